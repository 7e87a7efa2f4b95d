/** The way from a folder or the hub to a model, and back to folders. */
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { initializeCheckpoint, loadVlm, type Completion, type Vlm } from '@evolmm/vlm'
import ndarray from 'ndarray'
import { expect, test, vi } from 'vitest'
import { readBackbone } from '../src/backbones/open-backbone'
import { openCheckpoint } from '../src/checkpoint/open-checkpoint'
import { weightSource } from '@evolmm/safetensors'
import { writeCheckpoint } from '../src/checkpoint/write-checkpoint'
import { isolated, serveHub, temporaryFolder } from '@evolmm/internal/testing'
import { coded } from './prompt-checkpoint'
import { largestDifference } from './support/compare'
import { casePrompt, completionOf, referenceAdapter, vlm } from './support/loaded'
import {
  checkpointFiles,
  copyTiny,
  floats,
  makeFolder,
  readRaw,
  sameBytes,
  take,
  tinyFolder,
  writeRaw,
} from './support/safetensors'

const files = await checkpointFiles()
const backbone = await readBackbone(tinyFolder)
const weights = async (folder: string) =>
  [...(await openCheckpoint(folder, backbone)).tensors.values()].map(weightSource)

/** What a model says of the same prompts: numbers of all its parts. */
async function answers(model: Vlm) {
  const prompt = await casePrompt(model, 'c2')
  const completions = [completionOf('c0'), completionOf('c1')]
  const { completions: scores } = await model.score({ groups: [{ prompt, completions }] })
  const samples = await model.sample({ prompts: [prompt], samples: 2, maxNewTokens: 6, seeds: [4] })
  return {
    logProbabilities: scores[0].flatMap(({ logProbabilities }) => [...logProbabilities]),
    ids: samples[0].map(({ ids }: Completion) => [...ids]),
    features: prompt.images[0].features,
  }
}

async function loaded<T>(folder: string, use: (model: Vlm) => Promise<T>, options = {}): Promise<T> {
  const model = await loadVlm(folder, { threads: 1, ...options })
  try {
    return await use(model)
  } finally {
    await model.dispose()
  }
}

/** A float32 value with the low 16 bits of its mantissa rounded away, ties to even, by integers. */
function asBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)
  bits[0] = ((bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) & 0xffff0000) >>> 0
  return new Float32Array(bits.buffer)[0]
}

test('bfloat16 weights are widened once, announced, found again, and are the rounded weights', async () => {
  const folder = await makeFolder()
  const [half, twin, cacheDir] = ['half', 'twin', 'cache'].map((name) => join(folder, name))
  await writeCheckpoint(half, {
    model: backbone,
    weights: await weights(tinyFolder),
    dtype: 'bfloat16',
    sourceFolder: tinyFolder,
  })
  await mkdir(twin)
  for (const name of files) await copyFile(join(tinyFolder, name), join(twin, name))
  const raw = await readRaw(join(tinyFolder, 'model.safetensors'))
  for (const [name, tensor] of raw) {
    const rounded = floats(tensor.data).map(asBfloat16)
    raw.set(name, { ...tensor, data: new Uint8Array(rounded.buffer) })
  }
  await writeRaw(join(twin, 'model.safetensors'), raw)

  const before = await readdir(half)
  const onWiden = vi.fn()
  const got = await loaded(half, answers, { cacheDir, onWiden })
  const bytes = [...backbone.weights.values()].reduce(
    (sum, shape) => sum + shape.reduce((product, size) => product * size, 4),
    0,
  )
  const [name] = await readdir(cacheDir)
  expect(onWiden.mock.calls).toEqual([[{ file: join(cacheDir, name), bytes }]])
  expect(await readdir(half)).toEqual(before)
  const { mtimeMs } = await stat(join(cacheDir, name))

  expect(await loaded(half, answers, { cacheDir, onWiden })).toEqual(got)
  expect(onWiden).toHaveBeenCalledOnce()
  expect(await readdir(cacheDir)).toEqual([name])
  expect((await stat(join(cacheDir, name))).mtimeMs).toBe(mtimeMs)

  expect(await loaded(twin, answers)).toEqual(got)
  expect((await answers(vlm)).logProbabilities).not.toEqual(got.logProbabilities)
})

test('a model and its adapter are loaded from the hub by name', async () => {
  const folder = await makeFolder()
  const adapter = vlm.createAdapter({ rank: 3, seed: 5, targets: ['q_proj'] })
  for (const i of adapter.parameters.keys()) adapter.parameters[i] += 0.01 * Math.sin(i)
  await vlm.saveAdapter(join(folder, 'out'), adapter)
  const contents = async (from: string, names: string[]) =>
    Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await readFile(join(from, name))] as const)),
    )
  const model = await serveHub({
    id: 'tiny-org/tiny',
    commit: 'a'.repeat(40),
    files: { ...(await contents(tinyFolder, files)), 'notes.txt': 'x', 'pytorch_model.bin': 'x' },
  })
  const peft = await serveHub({
    id: 'tiny-org/adapter',
    commit: 'b'.repeat(40),
    files: await contents(join(folder, 'out'), [
      'adapter_config.json',
      'adapter_model.safetensors',
      'README.md',
    ]),
  })
  const hub = isolated({ endpoint: model.endpoint, home: temporaryFolder() })
  const fromHub = await loadVlm('tiny-org/tiny', { hub, threads: 1 })
  expect(await answers(fromHub)).toEqual(await answers(vlm))
  expect(model.transfers('pytorch_model.bin')).toEqual([])
  const again = await fromHub.loadAdapter('tiny-org/adapter', { hub: { endpoint: peft.endpoint } })
  expect(again.trainable).toEqual(adapter.trainable)
  expect(sameBytes(again.parameters, adapter.parameters)).toBe(true)
  expect(peft.transfers('README.md')).toEqual([])
  await fromHub.dispose()
  await model.close()
  await peft.close()
  // Both are in the cache now.
  const offline = { ...hub, offline: true }
  const cached = await loadVlm('tiny-org/tiny', { hub: offline, threads: 1 })
  expect(sameBytes((await cached.loadAdapter('tiny-org/adapter')).parameters, adapter.parameters)).toBe(true)
  await cached.dispose()
  await expect(loadVlm('tiny-org/other', { hub: offline })).rejects.toThrow(coded('HUB_NOT_CACHED'))
})

const changeJson = (name: string, change: object) => async (folder: string) => {
  const file = join(folder, name)
  await writeFile(
    file,
    JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), ...change }),
  )
}
const remove = (name: string) => (folder: string) => rm(join(folder, name))
const changeWeights =
  (change: (raw: Awaited<ReturnType<typeof readRaw>>) => void) => async (folder: string) => {
    const file = join(folder, 'model.safetensors')
    const raw = await readRaw(file)
    change(raw)
    await writeRaw(file, raw)
  }

test.each([
  ['no config.json', remove('config.json'), 'UNREADABLE_FILE', /config\.json/],
  ['no tokenizer', remove('tokenizer.json'), 'CHECKPOINT_FILE_NOT_FOUND', /tokenizer\.json/],
  [
    'no image processor',
    remove('preprocessor_config.json'),
    'CHECKPOINT_FILE_NOT_FOUND',
    /preprocessor_config/,
  ],
  ['no weights', remove('model.safetensors'), 'INVALID_CHECKPOINT', /got neither/],
  [
    'another architecture',
    changeJson('config.json', { model_type: 'llava', architectures: ['LlavaForConditionalGeneration'] }),
    'UNSUPPORTED_MODEL',
    /llava/i,
  ],
  [
    'a width that the weights do not have',
    changeJson('config.json', { intermediate_size: 96 }),
    'INVALID_CHECKPOINT',
    /must have shape/,
  ],
  [
    'patches of another size',
    changeJson('preprocessor_config.json', { patch_size: 16 }),
    'INVALID_CONFIG',
    /patchSize 14 .*got 16/,
  ],
  [
    'patches merged otherwise',
    changeJson('preprocessor_config.json', { merge_size: 4 }),
    'INVALID_CONFIG',
    /mergeSize 2 .*got 4/,
  ],
  [
    'other frames in a patch',
    changeJson('preprocessor_config.json', { temporal_patch_size: 1 }),
    'INVALID_CONFIG',
    /temporalPatchSize 2 .*got 1/,
  ],
  [
    'weights cut off',
    async (folder: string) => {
      const file = join(folder, 'model.safetensors')
      await writeFile(file, (await readFile(file)).subarray(0, -8))
    },
    'INVALID_SAFETENSORS',
    /model\.safetensors/,
  ],
  [
    'a missing tensor',
    changeWeights((raw) => raw.delete('model.norm.weight')),
    'INVALID_CHECKPOINT',
    /norm\.weight/,
  ],
  [
    'an extra tensor',
    changeWeights((raw) => raw.set('surprise', take(raw, 'model.norm.weight'))),
    'INVALID_CHECKPOINT',
    /surprise/,
  ],
] as [string, (folder: string) => Promise<unknown>, string, RegExp][])(
  'a checkpoint with %s is one typed error',
  async (_, breakIt, code, message) => {
    const folder = await copyTiny(files)
    await breakIt(folder)
    const onWiden = vi.fn()
    await expect(loadVlm(folder, { onWiden })).rejects.toThrow(coded(code, message))
    expect(onWiden).not.toHaveBeenCalled()
  },
)

test.each([
  [{ threads: 0 }, /^threads/],
  [{ threads: 1.5 }, /^threads/],
  [{ memoryLimit: NaN }, /^memoryLimit/],
  [{ imageOptions: { minPixels: 0 } }, /^minPixels/],
  [{ imageOptions: { minPixels: 9000, maxPixels: 100 } }, /^maxPixels/],
  [{ imageOptions: { maxTiles: 6 } }, /^maxTiles: must be one of .* minPixels, maxPixels, got 6/],
  [{ imageOptions: { maxPixels: true } }, /^maxPixels: must be an integer/],
  [{ imageOptions: 7 as never }, /^imageOptions: must be an object/],
])('loadVlm refuses %o', async (options, message) => {
  await expect(loadVlm(tinyFolder, options)).rejects.toThrow(coded('INVALID_OPTION', message))
})

test('what cannot fit is refused with the numbers by every call, before a program is opened', async () => {
  const roomy = await loadVlm(tinyFolder, { threads: 1 })
  const image = await roomy.encodeImage(join(tinyFolder, 'images/img0.png'))
  const prompt = roomy.prompt({ images: [image], prompt: 'What?' })
  const groups = [{ prompt, completions: [{ ids: Int32Array.of(5, 6) }] }]
  const adapter = roomy.createAdapter({ rank: 2 })
  await roomy.dispose()

  const vlm = await loadVlm(tinyFolder, { memoryLimit: 5e7, threads: 1 })
  const error = coded('MEMORY_EXCEEDED', /at most 0\.0500 GB, got about 0\.1\d+ GB \(runtime 0\.1.* GB, /)
  await expect(vlm.encodeImage(join(tinyFolder, 'images/img0.png'))).rejects.toThrow(error)
  await expect(vlm.sample({ prompts: [prompt] })).rejects.toThrow(error)
  await expect(vlm.stream({ prompt })[Symbol.asyncIterator]().next()).rejects.toThrow(error)
  await expect(vlm.score({ groups })).rejects.toThrow(error)
  await expect(vlm.gradient({ groups, adapter })).rejects.toThrow(error)
  await vlm.dispose()
})

test('an image whose attention cannot fit is refused before it is tried', async () => {
  const vlm = await loadVlm(tinyFolder, { memoryLimit: 5e8, threads: 1 })
  const data = new Uint8Array(4000 * 3000 * 3)
  await expect(vlm.encodeImage(ndarray(data, [3000, 4000, 3]))).rejects.toThrow(
    coded('MEMORY_EXCEEDED', /at most 0\.500 GB, got about 0\.\d+ GB \(encode/),
  )
  await vlm.dispose()
})

test('several large images are counted one after another, as they are encoded', async () => {
  const vlm = await loadVlm(tinyFolder, { memoryLimit: 1.5e9, threads: 1 })
  const image = await vlm.encodeImage(ndarray(new Uint8Array(560 * 560 * 3), [560, 560, 3]))
  const prompt = vlm.prompt({ images: [image], prompt: 'What?' })
  const completions = [{ ids: Int32Array.of(5, 6) }]
  // Thirty towers at once would take 1.3 GB for their scores alone.
  const { nll } = await vlm.score({ groups: Array.from({ length: 30 }, () => ({ prompt, completions })) })
  expect(nll).toBeGreaterThan(0)
  const whole = vlm.createAdapter({ rank: 2, vision: true })
  await expect(
    vlm.score({ groups: Array.from({ length: 100 }, () => ({ prompt, completions })), adapter: whole }),
  ).rejects.toThrow(coded('MEMORY_EXCEEDED'))
  await vlm.dispose()
})

test('what is neither a folder nor a name is refused', async () => {
  await expect(loadVlm(join(tinyFolder, 'nowhere'))).rejects.toThrow(coded('MODEL_NOT_FOUND'))
  await expect(loadVlm(join(tinyFolder, 'config.json'))).rejects.toThrow(coded('MODEL_NOT_FOUND', /a file/))
})

test('after dispose every use is a typed error, a call under way included', async () => {
  const model = await loadVlm(tinyFolder, { threads: 1 })
  const prompt = await casePrompt(model, 'c0')
  const adapter = model.createAdapter({ rank: 2 })
  const groups = [{ prompt, completions: [completionOf('c0')] }]
  await model.sample({ prompts: [prompt], maxNewTokens: 2 })
  const pieces = model.stream({ prompt, maxNewTokens: 50, stopTokens: [] })[Symbol.asyncIterator]()
  await pieces.next()
  const underWay = model.sample({ prompts: [prompt], maxNewTokens: 2 }).catch((error: unknown) => error)
  await model.dispose()
  const disposed = coded('MODEL_DISPOSED', /load it again/)
  const ended = await underWay
  if (!Array.isArray(ended)) expect(ended).toEqual(disposed)
  await expect(pieces.next()).rejects.toThrow(disposed)
  await expect(model.sample({ prompts: [prompt] })).rejects.toThrow(disposed)
  await expect(model.score({ groups })).rejects.toThrow(disposed)
  await expect(model.gradient({ groups, adapter })).rejects.toThrow(disposed)
  await expect(model.stream({ prompt })[Symbol.asyncIterator]().next()).rejects.toThrow(disposed)
  await expect(model.encodeImage(join(tinyFolder, 'images/img0.png'))).rejects.toThrow(disposed)
  await model.dispose()
})

test('two models at once do not know of each other', async () => {
  const want = await answers(vlm)
  const other = await loadVlm(tinyFolder, { threads: 1 })
  const [first, second] = await Promise.all([answers(vlm), answers(other)])
  expect([first, second]).toEqual([want, want])
  await other.dispose()
  expect(await answers(vlm)).toEqual(want)
})

test('a merged checkpoint says what model and adapter say together', async () => {
  const folder = await makeFolder()
  const adapter = referenceAdapter(vlm)
  await vlm.saveMerged(join(folder, 'merged'), adapter, { maxShardBytes: 200_000 })
  expect(
    (await readdir(join(folder, 'merged'))).filter((name) => name.endsWith('.safetensors')).length,
  ).toBeGreaterThan(1)
  const completions = [completionOf('c0'), completionOf('c1')]
  for (const name of ['c2', 'c3'] as const) {
    const scores = async (model: Vlm, given?: typeof adapter) => {
      const groups = [{ prompt: await casePrompt(model, name), completions }]
      const { completions: all } = await model.score({ groups, adapter: given })
      return all[0].flatMap(({ logProbabilities }) => [...logProbabilities])
    }
    const want = await scores(vlm, adapter)
    const got = await loaded(join(folder, 'merged'), (model) => scores(model))
    expect(largestDifference(got, want)).toBeLessThan(2e-5)
    expect(largestDifference(got, await scores(vlm))).toBeGreaterThan(1e-2)
  }
  await expect(vlm.saveMerged(join(folder, 'merged'), adapter)).rejects.toThrow(coded('WOULD_OVERWRITE'))
})

test('an adapter is saved and loaded bit for bit, under a name too', async () => {
  const folder = join(await makeFolder(), 'adapters')
  const adapter = referenceAdapter(vlm)
  await vlm.saveAdapter(folder, adapter)
  await vlm.saveAdapter(folder, { ...adapter, dropout: 0.1 }, { name: 'solver', layout: 'legacy' })
  for (const [adapterName, dropout] of [
    ['default', 0],
    ['solver', 0.1],
  ] as const) {
    const again = await vlm.loadAdapter(folder, { adapterName })
    expect(sameBytes(again.parameters, adapter.parameters)).toBe(true)
    expect(again.trainable).toEqual(adapter.trainable)
    expect(again.dropout).toBe(dropout)
  }
  const { base_model_name_or_path: base } = JSON.parse(
    await readFile(join(folder, 'adapter_config.json'), 'utf8'),
  ) as Record<string, unknown>
  expect(base).toBe(tinyFolder)
  await expect(vlm.saveAdapter(folder, adapter)).rejects.toThrow(coded('WOULD_OVERWRITE'))
  await expect(vlm.loadAdapter(join(folder, 'nobody'))).rejects.toThrow(coded('MODEL_NOT_FOUND'))
})

test('a random checkpoint is loaded and asked; the seed makes it', async () => {
  const folder = await makeFolder()
  const make = async (name: string, seed: number) => {
    await initializeCheckpoint(join(folder, name), { backbone, sourceFolder: tinyFolder, seed })
    return loaded(join(folder, name), answers)
  }
  const one = await make('one', 1)
  expect(await make('again', 1)).toEqual(one)
  expect((await make('two', 2)).logProbabilities).not.toEqual(one.logProbabilities)
  // Weights of deviation 0.02 say nothing yet: every word is about as probable as any other.
  const uniform = -Math.log(backbone.sizes.vocabularySize)
  for (const value of one.logProbabilities) expect(Math.abs(value - uniform)).toBeLessThan(1)
})

test('a target that matches nothing is a warning that names it', async () => {
  const warnings: string[] = []
  const model = await loadVlm(tinyFolder, { onWarning: (message) => warnings.push(message) })
  const adapter = model.createAdapter({ targets: ['q_proj', 'mm_projector'] })
  expect(adapter.unmatched).toEqual(['mm_projector'])
  expect(warnings).toEqual(['targets: "mm_projector" matches nothing in the model; it is left out'])
  await model.trainWeights({ targets: ['norm.weight', 'bias_of_nothing'] })
  expect(warnings[1]).toContain('"bias_of_nothing"')
})
