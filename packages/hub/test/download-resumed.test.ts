/** Downloads that break off: what is asked for again, and what of a part is trusted. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bytes, sha256 } from '@evolmm/internal/testing'
import { coded, cutting, repo, setUp, weights } from './support/downloads'

test('a dropped connection goes on where it stopped, as often as it makes progress', async () => {
  const { download, transfers } = await setUp(repo({ 'model.safetensors': weights }), cutting(9, 100_000))
  const { folder } = await download({ retries: 1 })
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
  const starts = transfers('model.safetensors').map(({ range }) => Number(/\d+/.exec(range ?? '0')?.[0]))
  expect(starts).toEqual([...starts].sort((a, b) => a - b))
  expect(new Set(starts).size).toBe(10)
  expect(transfers('model.safetensors')[1].ifRange).toBe(`"stored-${sha256(weights).slice(0, 8)}"`)
})

test('a connection without progress is given up after `retries` repetitions, with longer pauses each time', async () => {
  const { download, transfers } = await setUp(repo({ 'model.safetensors': weights }), cutting(99, 0))
  const pauses: number[] = []
  const sleep = (milliseconds: number) => {
    pauses.push(milliseconds)
    return Promise.resolve()
  }
  await expect(download({ retries: 4, sleep })).rejects.toEqual(
    coded('HUB_UNREACHABLE', /^model\.safetensors: must be reachable/),
  )
  expect(transfers('model.safetensors')).toHaveLength(5)
  for (const [i, pause] of pauses.entries()) {
    expect(pause).toBeGreaterThanOrEqual(250 * 2 ** i)
    expect(pause).toBeLessThanOrEqual(500 * 2 ** i)
  }
})

test('a later call resumes what an earlier one left', async () => {
  let broken = true
  const { download, transfers, blobs } = await setUp(
    repo({ 'model.safetensors': weights }),
    ({ host }, _, usual) => {
      if (host !== 'storage' || !broken) return false
      usual.cutAfter(400_000)
      return true
    },
  )
  await expect(download({ retries: 0 })).rejects.toEqual(coded('HUB_UNREACHABLE'))
  const [partial] = readdirSync(blobs)
  expect(partial).toMatch(/\.incomplete$/)
  const kept = lstatSync(join(blobs, partial)).size
  expect(kept).toBeGreaterThan(0)
  broken = false
  const { folder } = await download()
  expect(transfers('model.safetensors').at(-1)?.range).toBe(`bytes=${kept}-`)
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
  expect(readdirSync(blobs)).toEqual([sha256(weights)])
})

test('a connection that falls silent counts as dropped', async () => {
  let silences = 0
  const { download, transfers, partSize } = await setUp(
    repo({ 'model.safetensors': weights }),
    ({ host }, response, { body, headers, status, start }) => {
      // Again on a machine so busy that the time is over before these bytes have arrived.
      if (host !== 'storage' || partSize() >= 50_000) return false
      silences++
      response.writeHead(status, { ...headers, 'content-length': body.length })
      response.write(body.subarray(0, 50_000 - start)) // and never another byte
      return true
    },
  )
  const { folder } = await download({ timeout: 200, retries: 50 })
  expect(silences).toBeGreaterThan(0)
  expect(transfers('model.safetensors').at(-1)?.range).toBe('bytes=50000-')
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
})

test('a server that ignores ranges is read from the start', async () => {
  let first = true
  const { download } = await setUp(repo({ 'model.safetensors': weights }), ({ host }, response, usual) => {
    if (host !== 'storage') return false
    if (first) usual.cutAfter(300_000)
    else response.writeHead(200, { 'content-length': weights.length }).end(weights)
    first = false
    return true
  })
  const { folder } = await download()
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
})

test.each([
  ['another range', 206, { 'content-range': `bytes 5-999999/1000000` }],
  ['no range', 206, {}],
  ['that there is none', 416, {}],
])('a server that answers a range with %s is asked anew from the start', async (_, status, headers) => {
  let turn = 0
  const { download, transfers } = await setUp(
    repo({ 'model.safetensors': weights }),
    ({ host }, response, usual) => {
      if (host !== 'storage' || turn > 1) return false
      if (turn++ === 0) usual.cutAfter(300_000)
      else response.writeHead(status, headers).end()
      return true
    },
  )
  const { folder } = await download()
  expect(transfers('model.safetensors').map(({ range }) => range !== undefined)).toEqual([false, true, false])
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
})

test('a bad part on disk is thrown away once the hash shows it', async () => {
  const { download, blobs, transfers } = await setUp(repo({ 'model.safetensors': weights }))
  mkdirSync(blobs, { recursive: true })
  writeFileSync(join(blobs, `${sha256(weights)}.evolmm.incomplete`), bytes(1000, 7))
  const { folder } = await download()
  expect(transfers('model.safetensors').map(({ range }) => range)).toEqual(['bytes=1000-', undefined])
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
})

test.each([
  ['whole', weights.length],
  ['too long', weights.length + 1],
])('a part on disk that is already %s is checked like any other', async (_, length) => {
  const { download, blobs, transfers } = await setUp(repo({ 'model.safetensors': weights }))
  mkdirSync(blobs, { recursive: true })
  writeFileSync(
    join(blobs, `${sha256(weights)}.evolmm.incomplete`),
    Buffer.concat([weights, weights], length),
  )
  const { folder } = await download()
  expect(transfers('model.safetensors')).toHaveLength(length - weights.length)
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
})

test('content that is not what was listed never becomes visible', async () => {
  const { download, blobs } = await setUp(repo({ 'model.safetensors': weights }), ({ host }, response) => {
    if (host !== 'storage') return false
    response.end(bytes(weights.length, 2))
    return true
  })
  await expect(download()).rejects.toEqual(coded('HUB_FILE_DAMAGED', /must have the hash .* got/))
  expect(readdirSync(blobs)).toEqual([])
})

test('a content that changes between two attempts is not glued together', async () => {
  const content = repo({ 'model.safetensors': weights })
  const { download, blobs } = await setUp(content, ({ host }, _, usual) => {
    if (host !== 'storage' || content.files['model.safetensors'] !== weights) return false
    usual.cutAfter(300_000)
    content.files = { 'model.safetensors': bytes(weights.length, 3) }
    return true
  })
  await expect(download()).rejects.toEqual(
    coded('HUB_FILE_CHANGED', /must be the content [0-9a-f]{64} as listed/),
  )
  expect(readdirSync(blobs).filter((name) => !name.endsWith('.incomplete'))).toEqual([])
})
