import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { downloadSnapshot } from '../src/download-snapshot'
import type { HubProgress } from '../src/hub-options'
import {
  breakOff,
  bytes,
  gitHash,
  isolated,
  serveHub,
  sha256,
  temporaryFolder,
  type FakeRepo,
  type Misbehaviour,
} from '@evolmm/internal/testing'

const commit = 'c'.repeat(40)
const weights = bytes(1_000_000)
const repo = (files: FakeRepo['files'], more: Partial<FakeRepo> = {}): FakeRepo => ({
  id: 'org/model',
  commit,
  files,
  ...more,
})
const coded = (code: string, message?: RegExp) =>
  expect.objectContaining({
    name: 'EvolmmError',
    code,
    ...(message && { message: expect.stringMatching(message) as string }),
  }) as Error

/** The server, and a download with it into one cache. */
async function setUp(content: FakeRepo, misbehave?: Misbehaviour) {
  const cacheFolder = temporaryFolder()
  const blobs = join(cacheFolder, 'models--org--model', 'blobs')
  /** Bytes of the one content that is under way. */
  const partSize = () => {
    const part = existsSync(blobs) && readdirSync(blobs).find((name) => name.endsWith('.incomplete'))
    return part ? lstatSync(join(blobs, part)).size : 0
  }
  const hub = await serveHub(content, misbehave, (place) => partSize() >= place)
  const fetchIt = (options = {}) =>
    downloadSnapshot('org/model', isolated({ endpoint: hub.endpoint, cacheFolder, ...options }))
  return { ...hub, cacheFolder, blobs, partSize, download: fetchIt }
}

/** Breaks the first `times` transfers of large files after `count` bytes. */
const cutting =
  (times: number, count: number): Misbehaviour =>
  ({ host }, _, { cutAfter }) => {
    if (host !== 'storage' || times-- <= 0) return false
    cutAfter(count)
    return true
  }

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
