/** Hubs that say little or what is not so: mirrors, listings and answers that are refused. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { breakOff, bytes, gitHash, sha256 } from '@evolmm/internal/testing'
import { coded, commit, repo, setUp, weights } from './support/downloads'

test('a mirror that lists no hashes is asked for each file, and one that changes meanwhile is taken anew', async () => {
  const [before, after] = [bytes(200_000, 4), bytes(200_000, 5)]
  const content = repo(
    { 'model.bin': before },
    { listing: ({ sha, siblings }) => ({ sha, siblings: siblings.map(({ rfilename }) => ({ rfilename })) }) },
  )
  const etag = () => (content.files['model.bin'] === before ? '"first"' : '"second"')
  let cut = false
  const hub = await setUp(content, ({ path, method, range, ifRange }, response, usual) => {
    if (!path.includes('/resolve/')) return false
    const body = content.files['model.bin'] as Buffer
    if (method === 'GET' && !cut) {
      cut = true
      response.writeHead(200, { etag: etag(), 'content-length': body.length })
      response.write(body.subarray(0, 50_000), () => {
        breakOff(response, () => hub.partSize() >= 50_000)
      })
      content.files['model.bin'] = after
      return true
    }
    const partial = range !== undefined && ifRange === etag()
    response.writeHead(partial ? 206 : 200, { etag: etag(), 'content-length': body.length })
    response.end(method === 'HEAD' || usual.status > 400 ? undefined : body)
    return true
  })
  const { folder } = await hub.download()
  expect(readFileSync(join(folder, 'model.bin')).equals(after)).toBe(true)
  expect(hub.transfers('model.bin')[1]).toMatchObject({ ifRange: '"first"' })
  expect(readdirSync(join(hub.cacheFolder, 'models--org--model'))).not.toContain('trees')
})

test('a mirror without sizes gives large files by their linked headers, without a request to storage', async () => {
  const { download, requests } = await setUp(
    repo(
      { 'model.safetensors': weights },
      {
        listing: ({ sha, siblings }) => ({ sha, siblings: siblings.map(({ rfilename }) => ({ rfilename })) }),
      },
    ),
  )
  const { folder } = await download()
  expect(readlinkSync(join(folder, 'model.safetensors'))).toBe(`../../blobs/${sha256(weights)}`)
  expect(requests.map(({ host, method }) => `${method} ${host}`)).toEqual([
    'GET hub',
    'HEAD hub',
    'GET hub',
    'GET storage',
  ])
})

test.each([
  ['less', -1],
  ['more', 1],
])('a listing that promises %s than there is is refused', async (_, difference) => {
  const { download, blobs } = await setUp(
    repo(
      { 'model.safetensors': weights },
      {
        listing: ({ sha, siblings: [file] }) => ({
          sha,
          siblings: [{ ...file, lfs: { sha256: sha256(weights), size: weights.length + difference } }],
        }),
      },
    ),
  )
  await expect(download()).rejects.toEqual(
    coded(
      'HUB_FILE_DAMAGED',
      new RegExp(`must have ${weights.length + difference} bytes as listed, got 1000000`),
    ),
  )
  expect(readdirSync(blobs).filter((name) => !name.endsWith('.incomplete'))).toEqual([])
})

test('an answer that is refused is not read on', async () => {
  let closed = false
  const { download } = await setUp(repo({ 'model.safetensors': weights }), ({ host }, response) => {
    if (host !== 'storage') return false
    response.on('close', () => {
      closed = true
    })
    response.writeHead(200, { 'content-length': 2_000_000 })
    response.write(weights) // and keeps the connection open
    return true
  })
  await expect(download()).rejects.toEqual(coded('HUB_FILE_DAMAGED', /got 2000000/))
  await vi.waitFor(() => {
    expect(closed).toBe(true)
  }, 20_000)
})

test('without a stated length, more bytes than listed are refused and fewer are asked for again', async () => {
  const send = async (body: Buffer) => {
    const { download } = await setUp(repo({ 'model.safetensors': weights }), ({ host }, response) => {
      if (host !== 'storage') return false
      response.writeHead(200) // chunked
      response.end(body)
      return true
    })
    return download({ retries: 1 })
  }
  await expect(send(Buffer.concat([weights, weights]))).rejects.toEqual(coded('HUB_FILE_DAMAGED', /got more/))
  await expect(send(weights.subarray(1))).rejects.toEqual(
    coded('HUB_UNREACHABLE', /the end after 999999 of 1000000 bytes/),
  )
})

test.each([
  '../evil.txt',
  'a/../../evil.txt',
  '/etc/evil',
  'a//b',
  './a',
  '..',
  'a\\..\\..\\evil',
  'nul\0',
  '',
])('a listing with the name %j is refused whole', async (name) => {
  const { download, cacheFolder } = await setUp(
    repo(
      { 'config.json': '{}' },
      {
        listing: ({ sha, siblings }) => ({
          sha,
          siblings: [...siblings, { rfilename: name, size: 1, blobId: 'a'.repeat(40) }],
        }),
      },
    ),
  )
  await expect(download()).rejects.toEqual(
    coded('HUB_UNSAFE_PATH', /files must stay inside the snapshot folder/),
  )
  expect(readdirSync(cacheFolder)).toEqual([])
})

test.each([
  ['is no object', () => 'no'],
  ['has no commit', () => ({ siblings: [] })],
  ['has a commit that is a path', () => ({ sha: '../../x', siblings: [] })],
  ['is of another commit', () => ({ sha: 'd'.repeat(40), siblings: [] }), commit],
  ['has no files', () => ({ sha: commit })],
])('an answer that %s is refused', async (_, listing, revision = 'main') => {
  const { download } = await setUp(repo({}, { listing }))
  await expect(download({ revision })).rejects.toEqual(
    coded('HUB_BAD_ANSWER', /must be listed with sha and siblings, got/),
  )
})

test('a blob id that is a path is never used as one', async () => {
  const { download, blobs } = await setUp(
    repo(
      { 'config.json': '{}' },
      { listing: ({ sha, siblings: [file] }) => ({ sha, siblings: [{ ...file, blobId: '../../evil' }] }) },
    ),
  )
  await download()
  expect(readdirSync(blobs)).toEqual([gitHash('{}')]) // from the file's own etag
})

test('an etag that is a path is never used as one', async () => {
  const { download, blobs } = await setUp(
    repo(
      { 'config.json': '{}' },
      { listing: ({ sha }) => ({ sha, siblings: [{ rfilename: 'config.json' }] }) },
    ),
    ({ path }, response) => {
      if (!path.includes('/resolve/')) return false
      response.writeHead(200, { etag: '"../../evil"', 'content-length': 2 }).end('{}')
      return true
    },
  )
  await download()
  expect(readdirSync(blobs)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
})
