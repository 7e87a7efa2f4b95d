/** Downloads: what is written where, progress, and how one ends early. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { downloadSnapshot } from '../src/download-snapshot'
import type { HubProgress } from '../src/hub-options'
import { gitHash, isolated, serveHub, sha256 } from '@evolmm/internal/testing'
import { coded, commit, repo, setUp, weights } from './support/downloads'

test('writes blobs named by hash, relative links under the commit, and the branch', async () => {
  const { download, cacheFolder, requests } = await setUp(
    repo({ 'config.json': '{}', 'model.safetensors': weights, 'a/b/notes.txt': 'what is up, doc?' }),
  )
  const { folder, ...rest } = await download()
  expect(rest).toEqual({ id: 'org/model', commit })
  expect(folder).toBe(join(cacheFolder, 'models--org--model', 'snapshots', commit))
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
  // This hash of this text is printed in the Pro Git book, section 10.2.
  expect(readlinkSync(join(folder, 'a/b/notes.txt'))).toBe(
    '../../../../blobs/bd9dbf5aae1a3862dd1526723246b20206e5fc37',
  )
  expect(readlinkSync(join(folder, 'model.safetensors'))).toBe(`../../blobs/${sha256(weights)}`)
  const root = join(cacheFolder, 'models--org--model')
  expect(readFileSync(join(root, 'refs', 'main'), 'utf8')).toBe(commit)
  expect(readdirSync(join(root, 'blobs')).sort()).toEqual(
    [sha256(weights), gitHash('{}'), gitHash('what is up, doc?')].sort(),
  )
  expect(readdirSync(join(cacheFolder, '.locks', 'models--org--model'))).toEqual([])
  expect(requests[0].path).toBe('/api/models/org/model/revision/main?blobs=true')
})

test('a revision with slashes is one part of the address and a path among the refs', async () => {
  const { download, cacheFolder, requests } = await setUp(
    repo({ 'config.json': '{}' }, { branches: ['refs/pr/1'] }),
  )
  await download({ revision: 'refs/pr/1' })
  expect(requests[0].path).toBe('/api/models/org/model/revision/refs%2Fpr%2F1?blobs=true')
  expect(readFileSync(join(cacheFolder, 'models--org--model/refs/refs/pr/1'), 'utf8')).toBe(commit)
})

test('data sets have their own addresses and folder', async () => {
  const hub = await serveHub({
    id: 'org/data',
    commit,
    type: 'datasets',
    files: { 'train/0 é.parquet': 'abc' },
  })
  const { folder } = await downloadSnapshot(
    'org/data',
    isolated({ endpoint: hub.endpoint, repoType: 'dataset' }),
  )
  expect(folder).toMatch(/datasets--org--data.snapshots.c{40}$/)
  expect(readFileSync(join(folder, 'train/0 é.parquet'), 'utf8')).toBe('abc')
})

test('a second call asks once for the listing and transfers nothing; a new commit takes only what changed', async () => {
  const content = repo({ 'config.json': '{}', 'model.safetensors': weights })
  const { download, requests } = await setUp(content)
  await download()
  requests.length = 0
  await download()
  expect(requests.map(({ path }) => path)).toEqual(['/api/models/org/model/revision/main?blobs=true'])

  const hub = await serveHub({
    ...content,
    commit: 'd'.repeat(40),
    files: { ...content.files, 'config.json': '[]' },
  })
  const { folder } = await download({ endpoint: hub.endpoint })
  expect(hub.requests.filter(({ path }) => path.includes('/resolve/'))).toHaveLength(1)
  expect(readFileSync(join(folder, 'config.json'), 'utf8')).toBe('[]')
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
})

test('an empty file is a file', async () => {
  const { download } = await setUp(repo({ 'empty.txt': '' }))
  const { folder } = await download()
  expect(readlinkSync(join(folder, 'empty.txt'))).toMatch(/e69de29bb2d1d6434b8b29ae775ad8c2e48c5391$/)
  expect(readFileSync(join(folder, 'empty.txt'))).toHaveLength(0)
})

test('progress counts each file and all of them, from the cached and resumed bytes to the last', async () => {
  const { download, blobs } = await setUp(
    repo({ 'config.json': '{}', 'model.safetensors': weights, 'old.txt': 'abc' }),
  )
  await download({ allow: 'old.txt' })
  writeFileSync(join(blobs, `${sha256(weights)}.evolmm.incomplete`), weights.subarray(0, 600_000))
  const seen: HubProgress[] = []
  await download({ onProgress: (progress: HubProgress) => seen.push(progress) })
  const of = (file: string) => seen.filter((progress) => progress.file === file)
  expect(of('old.txt')).toMatchObject([{ received: 3, size: 3 }])
  expect(of('model.safetensors')[0]).toMatchObject({ received: 600_000, size: 1_000_000 })
  expect(seen.every(({ allSize }) => allSize === 1_000_005)).toBe(true)
  const totals = seen.map(({ allReceived }) => allReceived)
  expect(totals).toEqual([...totals].sort((a, b) => a - b))
  expect(totals.at(-1)).toBe(1_000_005)
})

test('downloads `concurrency` files at once and never more', async () => {
  const files = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`${i}.txt`, `text ${i}`]))
  for (const concurrency of [1, 3]) {
    let most = 0
    const open: (() => void)[] = []
    const { download } = await setUp(repo(files), ({ path }, response, { body }) => {
      if (!path.includes('/resolve/')) return false
      open.push(() => response.end(body))
      most = Math.max(most, open.length)
      // Answered once as many are open as may be, a moment later, in which one too many would be seen.
      if (open.length === concurrency)
        setTimeout(() => {
          for (const answer of open.splice(0)) answer()
        }, 20)
      return true
    })
    await download({ concurrency })
    expect(most).toBe(concurrency)
  }
})

test('one file that fails stops the others, and the branch stays where it was', async () => {
  const content = repo({ 'bad.txt': 'x', 'model.safetensors': weights })
  const { download, cacheFolder } = await setUp(content, ({ path, host }, response, usual) => {
    if (host === 'storage') {
      response.writeHead(200, { 'content-length': usual.body.length })
      response.write(usual.body.subarray(0, 1000)) // and waits
      return true
    }
    if (!path.includes('bad.txt')) return false
    setTimeout(() => response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end(), 50)
    return true
  })
  await expect(download()).rejects.toEqual(coded('HUB_FILE_NOT_FOUND', /bad\.txt/))
  expect(readdirSync(join(cacheFolder, 'models--org--model'))).not.toContain('refs')
})

test('an abort ends the call with its own reason and keeps the part', async () => {
  const stop = new AbortController()
  const { download, blobs } = await setUp(
    repo({ 'model.safetensors': weights }),
    ({ host }, response, usual) => {
      if (host !== 'storage') return false
      response.writeHead(200, { 'content-length': usual.body.length })
      response.write(usual.body.subarray(0, 80_000)) // and waits
      return true
    },
  )
  const reason = new Error('enough')
  const onProgress = ({ received }: HubProgress) => {
    if (received === 80_000) stop.abort(reason)
  }
  await expect(download({ signal: stop.signal, onProgress })).rejects.toBe(reason)
  expect(readdirSync(blobs).map((name) => lstatSync(join(blobs, name)).size)).toEqual([80_000])
  await expect(download({ signal: stop.signal })).rejects.toBe(reason)
})

test('an abort ends a pause between attempts', async () => {
  const stop = new AbortController()
  const { download } = await setUp(repo({}), (_, response) => {
    response.writeHead(429, { 'retry-after': '250' }).end()
    setTimeout(() => {
      stop.abort(new Error('enough'))
    }, 50)
    return true
  })
  await expect(download({ signal: stop.signal, sleep: undefined })).rejects.toThrow('enough')
})

test('what a progress listener throws comes out as it is', async () => {
  const { download } = await setUp(repo({ 'config.json': '{}' }))
  const mine = new Error('mine')
  const onProgress = () => {
    throw mine
  }
  await expect(download({ onProgress })).rejects.toBe(mine)
})
