/** What a caller names: options, environment, repositories, files, folders. */
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, relative } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { adapterFiles, modelFiles, selectFiles, type FileSelection } from '../src/file-selection'
import { readHubSettings, type HubOptions } from '../src/hub-options'
import { parseRepoId } from '../src/repo-id'
import { resolveRepo } from '../src/resolve-repo'
import { isSafePath } from '@evolmm/internal/node'
import { bytes, isolated, serveHub, sizedTest, temporaryFolder } from '@evolmm/internal/testing'

const commit = 'c'.repeat(40)
const failing = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error
const chosen = (names: string[], selection: FileSelection) =>
  selectFiles(
    names.map((path) => ({ path })),
    selection,
  ).map(({ path }) => path)

test.each<[string, HubOptions['environment'], Partial<HubOptions>, string]>([
  ['the default', {}, {}, join(homedir(), '.cache/huggingface/hub')],
  ['XDG_CACHE_HOME', { XDG_CACHE_HOME: '/x' }, {}, '/x/huggingface/hub'],
  ['HF_HOME', { XDG_CACHE_HOME: '/x', HF_HOME: '~/h' }, {}, join(homedir(), 'h/hub')],
  ['HUGGINGFACE_HUB_CACHE', { HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' }, {}, '/old'],
  ['HF_HUB_CACHE', { HF_HUB_CACHE: '/new', HUGGINGFACE_HUB_CACHE: '/old' }, {}, '/new'],
  ['an empty HF_HUB_CACHE', { HF_HUB_CACHE: ' ', HF_HOME: '/h' }, {}, '/h/hub'],
  ['home', { HF_HOME: '/h' }, { home: '/option' }, '/option/hub'],
  ['cacheFolder', { HF_HUB_CACHE: '/new' }, { cacheFolder: '/option' }, '/option'],
])('%s sets the cache folder', async (_, environment, options, folder) => {
  expect((await readHubSettings({ environment, ...options })).cacheFolder).toBe(folder)
})

test('the token comes from the option, HF_TOKEN, its old name, or a file, in this order', async () => {
  const home = temporaryFolder()
  writeFileSync(join(home, 'token'), 'from-file\n')
  writeFileSync(join(home, 'other'), 'from-other')
  const environment = {
    HF_HOME: home,
    HF_TOKEN_PATH: join(home, 'other'),
    HUGGING_FACE_HUB_TOKEN: 'old',
    HF_TOKEN: 'new',
  }
  const token = async (names: (keyof typeof environment)[], options: HubOptions = {}) => {
    const chosenOnes = Object.fromEntries(names.map((name) => [name, environment[name]]))
    return (await readHubSettings({ environment: chosenOnes, ...options })).token
  }
  expect(await token(['HF_HOME', 'HF_TOKEN_PATH', 'HUGGING_FACE_HUB_TOKEN', 'HF_TOKEN'])).toBe('new')
  expect(await token(['HF_HOME', 'HF_TOKEN_PATH', 'HUGGING_FACE_HUB_TOKEN'])).toBe('old')
  expect(await token(['HF_HOME', 'HF_TOKEN_PATH'])).toBe('from-other')
  expect(await token(['HF_HOME'])).toBe('from-file')
  expect(await token(['HF_HOME'], { tokenPath: join(home, 'none') })).toBeUndefined()
  expect(await token(['HF_TOKEN'], { token: 'option' })).toBe('option')
  expect(await token(['HF_TOKEN'], { token: false })).toBeUndefined()
})

test('a file without end is no token', async () => {
  const home = temporaryFolder()
  writeFileSync(join(home, 'token'), '')
  truncateSync(join(home, 'token'), 2 ** 36)
  await expect(readHubSettings({ environment: { HF_HOME: home } })).rejects.toMatchObject({
    code: 'UNREADABLE_FILE',
  })
})

test('the environment is read at each call', async () => {
  const environment: Record<string, string> = { HF_ENDPOINT: 'https://mirror.example/', HF_HUB_OFFLINE: 'ON' }
  expect(await readHubSettings({ environment })).toMatchObject({
    endpoint: 'https://mirror.example',
    offline: true,
  })
  environment.HF_HUB_OFFLINE = '0'
  expect(await readHubSettings({ environment })).toMatchObject({ offline: false })
  const options = { environment, offline: true, endpoint: 'http://localhost:1' }
  expect(await readHubSettings(options)).toMatchObject({ endpoint: 'http://localhost:1', offline: true })
})

test.each<[HubOptions, RegExp]>([
  [{ token: 'hf_öäü-secret' }, /^token: must be one word of printable ASCII/],
  [{ token: 'hf_a secret' }, /^token: must be/],
  [{ endpoint: 'https://user:secret@x.example' }, /^endpoint: must be an http or https address/],
  [{ endpoint: 'ftp://secret.example' }, /^endpoint: must be/],
  [{ endpoint: 'secret' }, /^endpoint: must be/],
  [{ concurrency: 0 }, /^concurrency: must be an integer at least 1, got 0/],
  [{ retries: -1 }, /^retries: must be/],
  [{ timeout: 0.5 }, /^timeout: must be/],
  [{ offline: 'secret' as never }, /^offline: must be true or false, got string/],
  [{ home: 1 as never }, /^home: must be a string, got number/],
  [{ cacheFolder: null as never, home: 1 as never }, /^home: must be a string/],
  [{ token: true as never }, /^token: must be a string, got boolean/],
  [{ endpoint: {} as never }, /^endpoint: must be a string, got object/],
  [{ repoType: 'space' as 'model' }, /^repoType: must be one of model, dataset/],
])('the options %o are refused, and a secret in them is not shown', async (options, message) => {
  const refused = readHubSettings({ environment: {}, ...options })
  await expect(refused).rejects.toEqual(failing('INVALID_OPTION', message))
  await expect(refused).rejects.not.toThrow('secret')
})

test('names of repositories are those that huggingface_hub accepts, with a revision in one place', () => {
  expect(parseRepoId('gpt2')).toEqual({ id: 'gpt2', revision: 'main' })
  expect(parseRepoId('Qwen/Qwen2.5-VL-7B-Instruct@refs/pr/1')).toEqual({
    id: 'Qwen/Qwen2.5-VL-7B-Instruct',
    revision: 'refs/pr/1',
  })
  expect(parseRepoId('a/b', 'v1')).toEqual({ id: 'a/b', revision: 'v1' })
  expect(parseRepoId('a/b@v1', 'v1')).toEqual({ id: 'a/b', revision: 'v1' })
  // The first three are examples of huggingface_hub's own documentation of the rule.
  for (const id of [
    'datasets/foo/bar',
    '.repo_id',
    'foo--bar',
    'foo.git',
    'a..b',
    '../a',
    'a/..',
    '',
    'a/',
    'ä/b',
    'a b',
    'a-',
    `a/${'b'.repeat(97)}`,
  ])
    expect(() => parseRepoId(id)).toThrow(failing('INVALID_REPO_ID', /must have the form ORG\/NAME/))
  expect(() => parseRepoId('a/b@v1', 'v2')).toThrow(failing('INVALID_OPTION', /must agree with a\/b@v1/))
  expect(() => parseRepoId('a/b', 1 as never)).toThrow(
    failing('INVALID_OPTION', /^revision: must be a string/),
  )
  for (const revision of ['../x', '', '/x', 'a//b'])
    expect(() => parseRepoId('a/b', revision)).toThrow(
      failing('INVALID_OPTION', /must be a branch, tag or commit/),
    )
})

sizedTest(
  'a safe path stays below its folder, whatever its parts',
  { paths: [2000, 5000, 100_000] },
  ({ count, seed }) => {
    const part = fc.constantFrom('a', '.', '..', '', 'b.json', '\\', '...')
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const path = parts.join('/')
        // Node's own reading of the path is where it would land.
        const unchanged = relative('/root', join('/root', path)) === path
        expect(isSafePath(path)).toBe(
          unchanged && path !== '' && !path.includes('\\') && !path.startsWith('../') && path !== '..',
        )
      }),
      { seed, numRuns: count },
    )
  },
)

test('patterns are those of fnmatch', () => {
  const names = ['a.json', 'b/a.json', 'b/c/d.txt', '[x].txt', 'a+b.txt', '.hidden']
  // Expected: Python 3.11, [n for n in names if fnmatch.fnmatchcase(n, pattern)], "b/" being written "b/*".
  for (const [pattern, expected] of [
    ['*', names],
    ['*.json', ['a.json', 'b/a.json']],
    ['?.json', ['a.json']],
    ['b/', ['b/a.json', 'b/c/d.txt']],
    ['[ab]*', ['a.json', 'b/a.json', 'b/c/d.txt', 'a+b.txt']],
    ['[!ab]*', ['[x].txt', '.hidden']],
    ['[[]x].txt', ['[x].txt']],
    ['a+b.txt', ['a+b.txt']],
    ['[a-b].json', ['a.json']],
    ['[', []],
    ['[z-a]*', []],
    ['A.json', []],
  ] as [string, string[]][])
    expect(chosen(names, { allow: pattern })).toEqual(expected)
  expect(chosen(names, { allow: ['*.json', '*.txt'], ignore: 'b/' })).toEqual([
    'a.json',
    '[x].txt',
    'a+b.txt',
  ])
  expect(chosen(names, { allow: [] })).toEqual([])
  for (const allow of [1, [1], {}])
    expect(() => chosen(names, { allow: allow as never })).toThrow(failing('INVALID_OPTION', /must be a/))
})

test('of a model: what transformers loads, once', () => {
  const wanted = [
    'config.json',
    'generation_config.json',
    'preprocessor_config.json',
    'video_preprocessor_config.json',
    'tokenizer.json',
    'tokenizer.model',
    'tokenizer_config.json',
    'special_tokens_map.json',
    'added_tokens.json',
    'vocab.json',
    'vocab.txt',
    'merges.txt',
    'chat_template.json',
    'chat_template.jinja',
    'model.safetensors',
    'model-00001-of-00002.safetensors',
    'model.safetensors.index.json',
  ]
  const others = [
    '.gitattributes',
    'README.md',
    'LICENSE',
    'pytorch_model.bin',
    'pytorch_model.bin.index.json',
    'model.pt',
    'model.ckpt',
    'tf_model.h5',
    'flax_model.msgpack',
    'onnx/model.onnx',
    'onnx/config.json',
    'original/consolidated.00.pth',
    'consolidated.safetensors',
    'model.fp16.safetensors',
    'model.fp16-00001-of-00002.safetensors',
    'adapter_config.json',
    'adapter_model.safetensors',
    'checkpoint-10/model.safetensors',
    'model.gguf',
  ]
  expect(chosen([...wanted, ...others], modelFiles)).toEqual(wanted)
})

test('of an adapter: its two files and its value head, in sub-folders too', () => {
  const wanted = [
    'adapter_config.json',
    'adapter_model.safetensors',
    'solver/adapter_config.json',
    'solver/adapter_model.safetensors',
    'value_head.safetensors',
    'solver/value_head.safetensors',
  ]
  const others = [
    'README.md',
    'adapter_model.bin',
    'tokenizer.json',
    'my_adapter_config.json',
    'solver/optimizer.pt',
  ]
  expect(chosen([...wanted, ...others], adapterFiles)).toEqual(wanted)
})

test('a folder that exists is the model, even if its name looks like one on the hub', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'org', 'model@v1'), { recursive: true })
  const fetch = () => expect.fail('no request may be made')
  expect(await resolveRepo(folder, isolated({ fetch }))).toEqual({ folder })
  const from = relative(process.cwd(), join(folder, 'org', 'model@v1'))
  expect(await resolveRepo(from, isolated({ fetch }))).toEqual({ folder: join(folder, 'org', 'model@v1') })
})

test('what is neither a folder nor a name of the hub is refused', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'file'), '')
  for (const [name, got] of [
    [join(folder, 'nothing'), 'neither'],
    [join(folder, 'file'), 'a file'],
    ['nul\0', 'neither'],
    ['./models/mine', 'neither'],
    ['https://huggingface.co/org/model', 'neither'],
    ['', 'neither'],
  ])
    await expect(resolveRepo(name, isolated({}))).rejects.toEqual(
      failing(
        'MODEL_NOT_FOUND',
        new RegExp(`must be an existing folder or have the form ORG/NAME .*, got ${got}; correct`),
      ),
    )
})

test('a name that the hub does not know may have been a path: the error says that there is no such folder', async () => {
  const hub = await serveHub({ id: 'org/model', commit, files: {} })
  await expect(resolveRepo('runs/mine', isolated({ endpoint: hub.endpoint }))).rejects.toEqual(
    failing('HUB_REPO_NOT_FOUND', /^runs\/mine: .*; a folder of that name is not there either$/),
  )
})

test.each([undefined, null, 7, {}])('the name %s is refused', async (name) => {
  await expect(resolveRepo(name as never)).rejects.toEqual(
    failing('INVALID_OPTION', /^model: must be a string/),
  )
})

test('a name is fetched: the files of a model, those that are asked for, or all of a data set', async () => {
  const files = {
    'config.json': '{}',
    'model.safetensors': bytes(10),
    'pytorch_model.bin': 'x',
    'solver/adapter_config.json': '{}',
    'solver/adapter_model.safetensors': bytes(5),
  }
  const hub = await serveHub({ id: 'org/model', commit, branches: ['v1'], files })
  const resolve = async (options: HubOptions = {}) => {
    const { folder, ...rest } = await resolveRepo(
      'org/model@v1',
      isolated({ endpoint: hub.endpoint, ...options }),
    )
    expect(rest).toEqual({ id: 'org/model', commit })
    return readdirSync(folder, { recursive: true }).sort()
  }
  expect(await resolve()).toEqual(['config.json', 'model.safetensors'])
  expect(await resolve({ ...adapterFiles })).toEqual([
    'solver',
    'solver/adapter_config.json',
    'solver/adapter_model.safetensors',
  ])
  expect(await resolve({ ignore: '*.safetensors' })).toEqual([
    'config.json',
    'pytorch_model.bin',
    'solver',
    'solver/adapter_config.json',
  ])

  const data = await serveHub({
    id: 'org/data',
    commit,
    type: 'datasets',
    files: { 'README.md': 'x', 'a/0.parquet': 'y' },
  })
  const { folder } = await resolveRepo('org/data', isolated({ endpoint: data.endpoint, repoType: 'dataset' }))
  expect(readdirSync(folder).sort()).toEqual(['README.md', 'a'])
})
