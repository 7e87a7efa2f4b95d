import { spawn } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import * as fs from 'node:fs/promises'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterEach, expect, test, vi } from 'vitest'
import { downloadSnapshot } from '../src/download-snapshot'
import * as internal from '@evolmm/internal/node'
import { modelFiles } from '../src/file-selection'
import type { HubOptions } from '../src/hub-options'
import {
  bytes,
  gitHash,
  isolated,
  serveHub,
  sha256,
  temporaryFolder,
  type FakeRepo,
} from '@evolmm/internal/testing'

vi.mock('node:fs/promises', { spy: true })
vi.mock('@evolmm/internal/node', { spy: true })
afterEach(() => {
  vi.resetAllMocks() // of spies: back to the real ones
})

const commit = 'c'.repeat(40)
const weights = bytes(3_000_000)
const content: FakeRepo = {
  id: 'org/model',
  commit,
  files: { 'config.json': '{}', 'model.safetensors': weights },
}
const coded = (code: string, message?: RegExp) =>
  expect.objectContaining({
    name: 'EvolmmError',
    code,
    ...(message && { message: expect.stringMatching(message) as string }),
  }) as Error
const noNetwork: typeof fetch = () => {
  throw new Error('no request may be made')
}
const broken = (code: string) => Object.assign(new Error(code), { code })

/** A cache as huggingface_hub lays it out; its older versions leave no `trees`. */
function pythonCache(files: Record<string, string>, { tree = false, branch = 'main' } = {}) {
  const cacheFolder = temporaryFolder()
  const root = join(cacheFolder, 'models--org--model')
  for (const [path, data] of Object.entries(files)) {
    const blob = join(root, 'blobs', gitHash(data))
    const pointer = join(root, 'snapshots', commit, path)
    mkdirSync(dirname(blob), { recursive: true })
    mkdirSync(dirname(pointer), { recursive: true })
    writeFileSync(blob, data)
    symlinkSync(`${'../'.repeat(path.split('/').length + 1)}blobs/${gitHash(data)}`, pointer)
  }
  mkdirSync(join(root, 'refs'))
  writeFileSync(join(root, 'refs', branch), commit)
  mkdirSync(join(root, '.no_exist', commit), { recursive: true })
  mkdirSync(join(cacheFolder, '.locks', 'models--org--model'), { recursive: true })
  if (tree) {
    mkdirSync(join(root, 'trees'))
    const entries = Object.entries(files).map(([path, data]) => [
      path,
      { size: data.length, blob_id: gitHash(data) },
    ])
    writeFileSync(
      join(root, 'trees', `${commit}.json`),
      JSON.stringify({ format_version: 1, files: Object.fromEntries(entries) as unknown }),
    )
  }
  return { cacheFolder, root, snapshot: join(root, 'snapshots', commit) }
}

async function ask(name: string, options: HubOptions) {
  const refusing = vi.fn(noNetwork)
  try {
    return await downloadSnapshot(name, isolated({ fetch: refusing, ...options }))
  } finally {
    expect(refusing).not.toHaveBeenCalled()
  }
}

test.each([true, false])(
  'a cache written by huggingface_hub answers offline by branch and online by commit (listing of the commit: %s)',
  async (tree) => {
    const { cacheFolder, snapshot } = pythonCache(
      { 'config.json': '{}', 'model.safetensors': 'abc' },
      { tree },
    )
    const found = { folder: snapshot, id: 'org/model', commit }
    expect(await ask('org/model', { cacheFolder, offline: true, ...modelFiles })).toEqual(found)
    expect(await ask(`org/model@${commit}`, { cacheFolder, ...modelFiles })).toEqual(found)
    expect(await ask('org/model', { cacheFolder, environment: { HF_HUB_OFFLINE: '1' } })).toEqual(found)
  },
)

test('branches and pull requests with slashes are found', async () => {
  const { cacheFolder, snapshot } = pythonCache({ 'config.json': '{}' }, { branch: 'v2' })
  mkdirSync(join(cacheFolder, 'models--org--model/refs/refs/pr'), { recursive: true })
  writeFileSync(join(cacheFolder, 'models--org--model/refs/refs/pr/1'), `${commit}\n`)
  for (const revision of ['v2', 'refs/pr/1'])
    expect((await ask('org/model', { cacheFolder, offline: true, revision })).folder).toBe(snapshot)
  await expect(ask('org/model', { cacheFolder, offline: true })).rejects.toEqual(coded('HUB_NOT_CACHED'))
})

test('what is not there offline is one line that names what is missing', async () => {
  const options = { cacheFolder: temporaryFolder(), offline: true }
  await expect(ask('org/model', options)).rejects.toEqual(
    coded(
      'HUB_NOT_CACHED',
      /^org\/model: must be in the cache .* at main when offline, got nothing; unset HF_HUB_OFFLINE/,
    ),
  )
  const index = JSON.stringify({ weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } })
  for (const [files, missing] of [
    [{ 'config.json': '{}' }, '*.safetensors'],
    [{ 'readme.md': '' }, 'any file'],
    [
      { 'config.json': '{}', 'model-1.safetensors': 'x', 'model.safetensors.index.json': index },
      'model-2.safetensors',
    ],
    [
      { 'config.json': '{}', 'model-1.safetensors': 'x', 'model.safetensors.index.json': '{' },
      'model.safetensors.index.json',
    ],
  ] as [Record<string, string>, string][])
    await expect(
      ask('org/model', { ...modelFiles, offline: true, cacheFolder: pythonCache(files).cacheFolder }),
    ).rejects.toMatchObject({ code: 'HUB_NOT_CACHED', details: { missing: [missing] } })
})

test('a link to a blob that is gone or cut counts as missing', async () => {
  const { cacheFolder, root } = pythonCache(
    { 'config.json': '{}', 'model.safetensors': 'abc' },
    { tree: true },
  )
  truncateSync(join(root, 'blobs', gitHash('abc')), 2)
  const options = { cacheFolder, offline: true, ...modelFiles }
  await expect(ask('org/model', options)).rejects.toMatchObject({
    details: { missing: ['model.safetensors'] },
  })
  rmSync(join(root, 'blobs', gitHash('abc')))
  rmSync(join(root, 'trees'), { recursive: true })
  await expect(ask('org/model', options)).rejects.toMatchObject({ details: { missing: ['*.safetensors'] } })
})

test.each([
  '{',
  '{"format_version":2,"files":{}}',
  '{"format_version":1,"files":{"../x":{"size":1,"blob_id":"a"}}}',
])('a listing on disk that reads %s counts as none', async (text) => {
  const { cacheFolder, root, snapshot } = pythonCache({ 'config.json': '{}' }, { tree: true })
  writeFileSync(join(root, 'trees', `${commit}.json`), text)
  expect((await ask('org/model', { cacheFolder, offline: true })).folder).toBe(snapshot)
})

test('an interrupted snapshot is completed: by commit with no listing request, and cut blobs are replaced', async () => {
  const hub = await serveHub(content)
  const options = { endpoint: hub.endpoint, cacheFolder: temporaryFolder(), fetch }
  const { folder } = await ask('org/model', options)
  truncateSync(join(folder, 'model.safetensors'), 10)
  rmSync(join(folder, 'config.json'))
  hub.requests.length = 0
  await ask(`org/model@${commit}`, options)
  expect(hub.requests.map(({ host, path }) => `${host} ${path.slice(0, 10)}`)).toEqual([
    'hub /org/model',
    'storage /model.saf',
  ])
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
  expect(readFileSync(join(folder, 'config.json'), 'utf8')).toBe('{}')
})

test('without a network the cached revision is used, with a warning; without a cached one it is an error', async () => {
  const hub = await serveHub(content)
  const options = { endpoint: hub.endpoint, cacheFolder: temporaryFolder(), fetch }
  const found = await ask('org/model', options)
  await hub.close()
  const warnings: { code: string; message: string }[] = []
  const onWarning = (message: string, code: string) => warnings.push({ code, message })
  expect(await ask('org/model', { ...options, onWarning })).toEqual(found)
  expect(warnings).toEqual([
    {
      code: 'HUB_CACHE_USED',
      message: expect.stringMatching(
        /^org\/model: the hub gave no answer \(.*ECONNREFUSED.*\); the cached commit c{40} of main is used$/,
      ) as string,
    },
  ])
  await expect(ask('org/model', { ...options, revision: 'v2' })).rejects.toEqual(
    coded('HUB_UNREACHABLE', /ECONNREFUSED/),
  )
  rmSync(join(found.folder, 'config.json'))
  await expect(ask('org/model', options)).rejects.toEqual(coded('HUB_UNREACHABLE'))
})

test.each([
  [500, true],
  [429, true],
  [401, true],
  [403, true],
  [404, false],
])('an answer of %i leaves the cached revision in use: %s', async (status, stands) => {
  let failing = false
  const hub = await serveHub(content, (_, response) => {
    if (failing)
      response.writeHead(status, status === 404 ? { 'x-error-code': 'RevisionNotFound' } : {}).end()
    return failing
  })
  const options = {
    endpoint: hub.endpoint,
    cacheFolder: temporaryFolder(),
    fetch,
    onWarning: () => undefined,
  }
  const found = await ask('org/model', options)
  failing = true
  hub.requests.length = 0
  const again = ask('org/model', options)
  if (stands) expect(await again).toEqual(found)
  else await expect(again).rejects.toEqual(coded('HUB_REVISION_NOT_FOUND'))
  expect(hub.requests.length).toBeLessThanOrEqual(2) // one repetition, where the cache can stand in
})

test('where links are refused the snapshot holds copies', async () => {
  vi.mocked(fs.symlink).mockRejectedValue(broken('EPERM'))
  const hub = await serveHub(content)
  const { folder } = await ask('org/model', { endpoint: hub.endpoint, fetch })
  expect(lstatSync(join(folder, 'model.safetensors')).isFile()).toBe(true)
  expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true)
})

test.each([
  ['ENOSPC', 'HUB_DISK_FULL', /must have room for the download, got ENOSPC; free space/],
  ['EDQUOT', 'HUB_DISK_FULL', /got EDQUOT/],
  [
    'EROFS',
    'HUB_CACHE_READ_ONLY',
    /must be a folder that can be written to, got EROFS; change its permissions/,
  ],
  ['EACCES', 'HUB_CACHE_READ_ONLY', /got EACCES/],
  ['EIO', 'HUB_CACHE_FAILED', /must be readable and writable, got EIO/],
])('a disk that answers %s gives %s, once', async (errno, code, message) => {
  const real = vi.mocked(fs.open).getMockImplementation()
  vi.mocked(fs.open).mockImplementation(async (...args) => {
    const handle = await (real ?? (await vi.importActual<typeof fs>('node:fs/promises')).open)(...args)
    handle.write = () => Promise.reject(broken(errno))
    return handle
  })
  const hub = await serveHub(content)
  const cacheFolder = temporaryFolder()
  await expect(ask('org/model', { endpoint: hub.endpoint, fetch, cacheFolder })).rejects.toEqual(
    coded(code, message),
  )
  expect(readdirSync(join(cacheFolder, 'models--org--model'))).not.toContain('refs')
})

test('a cache folder that is a file is refused', async () => {
  const hub = await serveHub(content)
  const cacheFolder = join(temporaryFolder(), 'file')
  writeFileSync(cacheFolder, '')
  await expect(ask('org/model', { endpoint: hub.endpoint, fetch, cacheFolder })).rejects.toEqual(
    coded('HUB_CACHE_READ_ONLY', /got (ENOTDIR|EEXIST)/),
  )
})

test('a cache that can only be read serves what it has, also online', async () => {
  const { cacheFolder, snapshot } = pythonCache({ 'config.json': '{}' })
  vi.mocked(fs.mkdir).mockRejectedValue(broken('EROFS'))
  vi.mocked(fs.writeFile).mockRejectedValue(broken('EROFS'))
  const hub = await serveHub({ ...content, files: { 'config.json': '{}' }, branches: ['main', 'new'] })
  const found = await ask('org/model', { endpoint: hub.endpoint, fetch, cacheFolder, revision: 'new' })
  expect(found.folder).toBe(snapshot)
})

test('folders that cannot be made, and notes that cannot be finished, leave nothing behind', async () => {
  const hub = await serveHub(content)
  const cacheFolder = temporaryFolder()
  const options = { endpoint: hub.endpoint, fetch, cacheFolder }
  vi.mocked(fs.mkdir).mockRejectedValue(broken('EROFS'))
  await expect(ask('org/model', options)).rejects.toEqual(coded('HUB_CACHE_READ_ONLY', /got EROFS/))
  vi.mocked(fs.mkdir).mockReset()
  vi.mocked(fs.rename).mockRejectedValueOnce(broken('ENOSPC')) // of the listing
  await expect(ask('org/model', options)).rejects.toEqual(coded('HUB_DISK_FULL'))
  expect(readdirSync(join(cacheFolder, 'models--org--model', 'trees'))).toEqual([])
})

test('two calls at once transfer each content once', async () => {
  const hub = await serveHub(content)
  const options = { endpoint: hub.endpoint, cacheFolder: temporaryFolder(), fetch }
  const [a, b] = await Promise.all([ask('org/model', options), ask('org/model', options)])
  expect(a).toEqual(b)
  expect(hub.transfers('model.safetensors')).toHaveLength(1)
  expect(readFileSync(join(a.folder, 'model.safetensors')).equals(weights)).toBe(true)
})

test('two calls at once are right even where locks do not hold', { repeats: 3 }, async () => {
  vi.mocked(internal.lockFile).mockResolvedValue(() => Promise.resolve())
  let turn = 0
  const hub = await serveHub(content, ({ host }, _, { body, cutAfter }) => {
    // Breaks at different places, so that one goes on where the other stopped.
    if (host !== 'storage' || turn > 5) return false
    cutAfter(Math.min(body.length - 1, 200_000 + 130_000 * (turn++ % 3)))
    return true
  })
  const options = { endpoint: hub.endpoint, cacheFolder: temporaryFolder(), fetch }
  const found = await Promise.all(Array.from({ length: 4 }, () => ask('org/model', options)))
  for (const { folder } of found)
    expect(sha256(readFileSync(join(folder, 'model.safetensors')))).toBe(sha256(weights))
})

test('a lock whose process is gone is taken over', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  const { hostname } = await import('node:os')
  const hub = await serveHub(content)
  const cacheFolder = temporaryFolder()
  const locks = join(cacheFolder, '.locks', 'models--org--model')
  mkdirSync(locks, { recursive: true })
  writeFileSync(join(locks, `${sha256(weights)}.evolmm.lock`), `${child.pid} ${hostname()}`)
  await ask('org/model', { endpoint: hub.endpoint, cacheFolder, fetch })
  expect(readdirSync(locks)).toEqual([])
})

test('a lock of another machine is waited for until it stays silent', async () => {
  const hub = await serveHub(content)
  const cacheFolder = temporaryFolder()
  const file = join(cacheFolder, '.locks', 'models--org--model', `${sha256(weights)}.evolmm.lock`)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, '1 elsewhere')
  const clock = vi.spyOn(performance, 'now')
  let now = 0
  clock.mockImplementation(() => now)
  let waits = 0
  const sleep = async () => {
    waits++
    now += 5_000
    if (waits === 2) await fs.utimes(file, new Date(0), new Date(0)) // a sign of life
  }
  try {
    await ask('org/model', { endpoint: hub.endpoint, cacheFolder, fetch, sleep })
  } finally {
    clock.mockRestore()
  }
  expect(waits).toBe(6) // 10 s until the sign of life is seen, then more than 15 s of silence
})

/** `downloadSnapshot` in a process of its own, with the given options. */
async function inProcess(name: string, options: HubOptions) {
  const outfile = join(temporaryFolder(), 'hub.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('../src/download-snapshot.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@evolmm/source'],
    logLevel: 'error',
  })
  const script = `
    const { downloadSnapshot } = await import(${JSON.stringify(outfile)})
    console.log((await downloadSnapshot(${JSON.stringify(name)}, ${JSON.stringify(options)})).folder)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return {
    child,
    folder: once(child.stdout, 'data').then(([data]) => String(data).trim()),
    end: once(child, 'exit'),
  }
}

test('two processes at once transfer each content once and both have it whole', async () => {
  const hub = await serveHub(content, ({ host }, response, { body }) => {
    if (host !== 'storage') return false
    response.writeHead(200, { 'content-length': body.length })
    response.write(body.subarray(0, 500_000))
    setTimeout(() => response.end(body.subarray(500_000)), 700)
    return true
  })
  const cacheFolder = temporaryFolder()
  const options = { endpoint: hub.endpoint, cacheFolder, environment: {} }
  const both = await Promise.all([inProcess('org/model', options), inProcess('org/model', options)])
  const folders = await Promise.all(both.map(({ folder }) => folder))
  await Promise.all(both.map(({ end }) => end))
  expect(folders[0]).toBe(folders[1])
  expect(sha256(readFileSync(join(folders[0], 'model.safetensors')))).toBe(sha256(weights))
  expect(hub.transfers('model.safetensors')).toHaveLength(1)
})

test('a killed process leaves a part that the next call resumes', async () => {
  let stalling = true
  const hub = await serveHub(content, ({ host }, response, { body }) => {
    if (host !== 'storage' || !stalling) return false
    response.writeHead(200, { 'content-length': body.length })
    response.write(body.subarray(0, 1_000_000)) // and waits
    return true
  })
  const cacheFolder = temporaryFolder()
  const options = { endpoint: hub.endpoint, cacheFolder, environment: {} }
  const { child, end } = await inProcess('org/model', options)
  const partial = join(cacheFolder, 'models--org--model', 'blobs', `${sha256(weights)}.evolmm.incomplete`)
  await vi.waitFor(() => {
    expect(existsSync(partial) && statSync(partial).size).toBe(1_000_000)
  }, 20_000)
  child.kill('SIGKILL')
  await end
  stalling = false
  const { folder } = await ask('org/model', { ...options, fetch })
  expect(hub.transfers('model.safetensors').at(-1)?.range).toBe('bytes=1000000-')
  expect(sha256(readFileSync(join(folder, 'model.safetensors')))).toBe(sha256(weights))
})
