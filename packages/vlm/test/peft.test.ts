import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readPeft, type LoraTensors } from '../src/adapter/read-peft'
import { writePeft } from '../src/adapter/write-peft'
import { readBackbone } from '../src/backbones/open-backbone'
import { makeFolder, readRaw, tinyFolder, writeRaw, take, type RawTensor } from './support/safetensors'

// Made by PEFT 0.21.0 itself: see make_peft.py in the folder.
const fixture = join(import.meta.dirname, 'fixtures/peft-tiny')
const model = await readBackbone(tinyFolder)
const { modules } = model
const deltas = JSON.parse(await readFile(join(fixture, 'deltas.json'), 'utf8')) as Record<
  'default' | 'solver',
  Record<string, number[]>
>

type Json = Record<string, unknown>
type Keys = Map<string, RawTensor>

/** A copy of the fixture's default adapter after edits. */
async function edited(
  config: Json = {},
  keys: (tensors: Keys) => Keys = (tensors) => tensors,
): Promise<string> {
  const folder = await makeFolder()
  const json = JSON.parse(await readFile(join(fixture, 'adapter_config.json'), 'utf8')) as Json
  await writeFile(join(folder, 'adapter_config.json'), JSON.stringify({ ...json, ...config }))
  const tensors = await readRaw(join(fixture, 'adapter_model.safetensors'))
  await writeRaw(join(folder, 'adapter_model.safetensors'), keys(tensors))
  return folder
}

/** First row of what an adapter adds to its module's weight. */
function firstRow({ A, B, rank, alpha, inputSize }: LoraTensors): number[] {
  return Array.from({ length: inputSize }, (_, i) => {
    let sum = 0
    for (let r = 0; r < rank; r++) sum += B[r] * A[r * inputSize + i]
    return (sum * alpha) / rank
  })
}

test.each([
  ['default', 6, 8, 2],
  ['solver', 11, 12, 4],
] as const)('the %s adapter that PEFT wrote adds what PEFT adds', async (adapterName, count, alpha, rank) => {
  const { tensors, config } = await readPeft(fixture, { model, adapterName })
  expect(tensors.size).toBe(count)
  expect(config.rank).toBe(rank)
  const [first] = tensors.values()
  expect(first.alpha).toBeCloseTo(adapterName === 'default' ? alpha : 6 * Math.sqrt(4), 10)
  const names = Object.keys(deltas[adapterName])
  expect(names.length).toBeGreaterThan(2)
  for (const name of names) {
    const lora = take(tensors, name)
    expect([lora.outputSize, lora.inputSize]).toEqual(modules.get(name))
    expect(firstRow(lora)).toHaveLength(deltas[adapterName][name].length)
    for (const [i, value] of firstRow(lora).entries())
      expect(value).toBeCloseTo(deltas[adapterName][name][i], 6)
  }
})

test('the configuration says what PEFT was given', async () => {
  expect((await readPeft(fixture, { model })).config).toEqual({
    rank: 2,
    alpha: 8,
    dropout: 0.1,
    targetModules: ['v_proj', 'q_proj'],
    rankStabilized: false,
    baseModel: 'tiny',
    revision: undefined,
  })
  expect((await readPeft(fixture, { model, adapterName: 'solver' })).config.rankStabilized).toBe(true)
})

test('ranks and alphas follow the patterns, whatever the tree of names', async () => {
  const folder = await edited(
    {},
    (tensors) => new Map([...tensors].map(([key, tensor]) => [legacyKey(key), tensor])),
  )
  const current = await readPeft(fixture, { model })
  const legacy = await readPeft(folder, { model })
  expect(legacy).toEqual(current)
  const name = (layer: number, end: string) => `model.language_model.layers.${layer}.self_attn.${end}`
  const of = ({ rank, alpha }: LoraTensors) => [rank, alpha]
  expect(new Map([...current.tensors].map(([module, lora]) => [module, of(lora)]))).toEqual(
    new Map([
      [name(0, 'q_proj'), [2, 8]],
      [name(0, 'v_proj'), [2, 5]],
      [name(1, 'q_proj'), [3, 8]],
      [name(1, 'v_proj'), [2, 5]],
      [name(2, 'q_proj'), [2, 7]],
      [name(2, 'v_proj'), [2, 5]],
    ]),
  )
})

test('patterns written against the old names are found', async () => {
  const folder = await edited({ alpha_pattern: { '^model.layers.0.self_attn.q_proj': 3 } })
  const { tensors } = await readPeft(folder, { model })
  expect([...tensors.values()].map(({ alpha }) => alpha)).toEqual([3, 8, 8, 8, 8, 8])
})

function legacyKey(key: string): string {
  return key.replace(
    /^(base_model\.model\.)(.+)$/,
    (_, prefix: string, rest: string) => prefix + model.names.published(rest),
  )
}

test.each([
  ['peft_type', 'IA3'],
  ['use_dora', true],
  ['use_qalora', true],
  ['lora_bias', true],
  ['bias', 'lora_only'],
  ['fan_in_fan_out', true],
  ['modules_to_save', ['lm_head']],
  ['layer_replication', [[0, 1]]],
  ['trainable_token_indices', [1]],
  ['target_parameters', ['x']],
  ['init_lora_weights', 'pissa'],
])('%s = %j is refused', async (field, value) => {
  await expect(readPeft(await edited({ [field]: value }), { model })).rejects.toMatchObject({
    code: 'UNSUPPORTED_ADAPTER',
    details: { field, value },
  })
})

test.each([
  ['r', 0],
  ['lora_alpha', 'x'],
  ['lora_dropout', 1],
  ['rank_pattern', { '(': 2 }],
  ['rank_pattern', { '(?=.*)x': 2 }],
  ['alpha_pattern', { '(.+)\\1': 2 }],
  ['target_modules', 5],
])('%s = %j is an error that names the field', async (field, value) => {
  await expect(readPeft(await edited({ [field]: value }), { model })).rejects.toMatchObject({
    code: 'INVALID_ADAPTER',
    message: expect.stringContaining(field) as string,
  })
})

const prefix = 'base_model.model.model.language_model.layers.0.self_attn.q_proj'

test('keys that match nothing are listed', async () => {
  const folder = await edited(
    {},
    (tensors) => new Map([...tensors].map(([key, tensor]) => [key.replace('self_attn', 'attn'), tensor])),
  )
  await expect(readPeft(folder, { model })).rejects.toMatchObject({
    code: 'INVALID_ADAPTER',
    message: expect.stringMatching(
      /got "base_model\.model\.model\.language_model\.layers\.0\.attn\.q_proj\.lora_A\.weight".* and 7 more/,
    ) as string,
  })
})

test.each([
  ['a copy of a base weight', 'base_model.model.lm_head.base_layer.weight'],
  ['an embedding adapter', 'base_model.model.model.language_model.embed_tokens.lora_embedding_A'],
  ['no prefix', 'model.language_model.layers.0.self_attn.q_proj.lora_A.weight'],
])('%s is refused', async (_, key) => {
  const folder = await edited({}, (tensors) =>
    tensors.set(key, { dtype: 'F32', shape: [1], data: new Uint8Array(4) }),
  )
  await expect(readPeft(folder, { model })).rejects.toMatchObject({
    code: 'INVALID_ADAPTER',
    message: expect.stringContaining(JSON.stringify(key)) as string,
  })
})

test.each(['A', 'B'])('a module without its lora_%s is refused', async (side) => {
  const folder = await edited({}, (tensors) => {
    tensors.delete(`${prefix}.lora_${side}.weight`)
    return tensors
  })
  await expect(readPeft(folder, { model })).rejects.toMatchObject({
    code: 'INVALID_ADAPTER',
    message: expect.stringContaining(`must have its lora_${side}`) as string,
  })
})

test('both names for one module, another shape, another type and no tensors are refused', async () => {
  const tensor = take(await readRaw(join(fixture, 'adapter_model.safetensors')), `${prefix}.lora_A.weight`)
  const cases: [(tensors: Keys) => Keys, RegExp][] = [
    [(tensors) => tensors.set(legacyKey(`${prefix}.lora_A.weight`), tensor), /must be there once/],
    [
      (tensors) => tensors.set(`${prefix}.lora_A.weight`, { ...tensor, shape: [64, 2] }),
      /must have shape \[2, 64\], got \[64, 2\]/,
    ],
    [(tensors) => tensors.set(`${prefix}.lora_A.weight`, { ...tensor, dtype: 'I32' }), /got int32/],
    [() => new Map(), /got no tensors/],
  ]
  for (const [edit, message] of cases)
    await expect(readPeft(await edited({}, edit), { model })).rejects.toMatchObject({
      code: 'INVALID_ADAPTER',
      message: expect.stringMatching(message) as string,
    })
})

test('an adapter that is not there is an error that lists those that are', async () => {
  await expect(readPeft(fixture, { model, adapterName: 'proposer' })).rejects.toMatchObject({
    code: 'INVALID_ADAPTER',
    details: { others: ['solver'] },
  })
  await expect(readPeft(join(fixture, 'nowhere'), { model })).rejects.toMatchObject({
    code: 'UNREADABLE_FILE',
  })
  const folder = await edited()
  await rm(join(folder, 'adapter_model.safetensors'))
  await expect(readPeft(folder, { model })).rejects.toMatchObject({ code: 'UNREADABLE_FILE' })
  await writeFile(join(folder, 'adapter_config.json'), '{')
  await expect(readPeft(folder, { model })).rejects.toMatchObject({ code: 'INVALID_ADAPTER' })
})

/** Rank 2 on the given modules, with values that bfloat16 has. */
function adapter(names: readonly string[]): Map<string, LoraTensors> {
  return new Map(
    names.map((name) => {
      const [outputSize, inputSize] = modules.get(name) ?? [0, 0]
      const A = Float32Array.from({ length: 2 * inputSize }, (_, i) => (i % 16) / 8)
      const B = Float32Array.from({ length: 2 * outputSize }, (_, i) => (i % 8) - 4)
      return [name, { A, B, rank: 2, alpha: 4, inputSize, outputSize }]
    }),
  )
}

const ofAll = (...ends: string[]) =>
  [...modules.keys()].filter((name) => ends.some((end) => name.endsWith(`.${end}`)))
const readJson = async (...path: string[]) => JSON.parse(await readFile(join(...path), 'utf8')) as Json

test('a written adapter has the keys that PEFT knows, and nothing else', async () => {
  const folder = join(await makeFolder(), 'adapter')
  const names = ['model.language_model.layers.0.self_attn.o_proj', 'model.visual.blocks.1.attn.qkv']
  await writePeft(folder, {
    tensors: adapter(names),
    model,
    baseModel: 'Qwen/Qwen2.5-VL-3B-Instruct',
    revision: 'abc',
    dropout: 0.05,
  })
  expect((await readdir(folder)).sort()).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
  ])
  expect(await readJson(folder, 'adapter_config.json')).toEqual({
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: 'Qwen/Qwen2.5-VL-3B-Instruct',
    bias: 'none',
    exclude_modules: null,
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: 4,
    lora_dropout: 0.05,
    modules_to_save: null,
    peft_type: 'LORA',
    peft_version: '0.21.0',
    r: 2,
    rank_pattern: {},
    revision: 'abc',
    target_modules: ['model.language_model.layers.0.self_attn.o_proj', 'model.visual.blocks.1.attn.qkv'],
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  })
  const raw = await readRaw(join(folder, 'adapter_model.safetensors'))
  expect([...raw].map(([key, { shape }]) => [key, shape])).toEqual([
    ['base_model.model.model.language_model.layers.0.self_attn.o_proj.lora_A.weight', [2, 64]],
    ['base_model.model.model.language_model.layers.0.self_attn.o_proj.lora_B.weight', [64, 2]],
    ['base_model.model.model.visual.blocks.1.attn.qkv.lora_A.weight', [2, 32]],
    ['base_model.model.model.visual.blocks.1.attn.qkv.lora_B.weight', [96, 2]],
  ])
  const bytes = await readFile(join(folder, 'adapter_model.safetensors'), 'utf8')
  expect(bytes).toContain('"__metadata__":{"format":"pt"}')
  expect(await readFile(join(folder, 'README.md'), 'utf8')).toMatch(
    /^---\nbase_model: "Qwen\/Qwen2.5-VL-3B-Instruct"\nlibrary_name: peft\n/,
  )
})

test('the legacy layout has the old names, in keys and in targets', async () => {
  const folder = await makeFolder()
  const names = ['model.language_model.layers.0.self_attn.o_proj', 'model.visual.blocks.1.attn.qkv']
  await writePeft(folder, { tensors: adapter(names), model, baseModel: 'x', layout: 'legacy' })
  expect([...(await readRaw(join(folder, 'adapter_model.safetensors'))).keys()]).toEqual([
    'base_model.model.model.layers.0.self_attn.o_proj.lora_A.weight',
    'base_model.model.model.layers.0.self_attn.o_proj.lora_B.weight',
    'base_model.model.visual.blocks.1.attn.qkv.lora_A.weight',
    'base_model.model.visual.blocks.1.attn.qkv.lora_B.weight',
  ])
  expect((await readJson(folder, 'adapter_config.json')).target_modules).toEqual([
    'model.layers.0.self_attn.o_proj',
    'visual.blocks.1.attn.qkv',
  ])
  expect((await readPeft(folder, { model })).tensors).toEqual(adapter(names))
})

test.each([
  ['every module of these ends', ofAll('q_proj', 'gate_proj'), ['gate_proj', 'q_proj']],
  ['vision attention and merger', ofAll('attn.proj', 'mlp.0', 'mlp.2'), ['attn.proj', 'mlp.0', 'mlp.2']],
  ['the head', ['lm_head'], ['lm_head']],
])('targets for %s are short', async (_, names, targets) => {
  const folder = await makeFolder()
  await writePeft(folder, { tensors: adapter(names), model, baseModel: 'x' })
  expect((await readJson(folder, 'adapter_config.json')).target_modules).toEqual(targets)
})

test('targets are full names where an end would reach the vision blocks too', async () => {
  const folder = await makeFolder()
  const names = ofAll('gate_proj').filter((name) => name.includes('language_model'))
  await writePeft(folder, { tensors: adapter(names), model, baseModel: 'x' })
  expect((await readJson(folder, 'adapter_config.json')).target_modules).toEqual(names)
})

test.each(['float32', 'float16', 'bfloat16'] as const)(
  'an adapter of differing ranks and alphas in %s is read back',
  async (dtype) => {
    const tensors = adapter(ofAll('q_proj', 'v_proj'))
    const [odd] = tensors.keys()
    const lora = take(tensors, odd)
    tensors.set(odd, { ...lora, rank: 1, alpha: 7, A: lora.A.slice(0, 64), B: lora.B.slice(0, 64) })
    const folder = await makeFolder()
    await writePeft(folder, { tensors, model, baseModel: 'x', dtype })
    expect(await readJson(folder, 'adapter_config.json')).toMatchObject({
      r: 2,
      lora_alpha: 4,
      rank_pattern: { [odd]: 1 },
      alpha_pattern: { [odd]: 7 },
    })
    expect((await readPeft(folder, { model })).tensors).toEqual(tensors)
  },
)

test('named adapters lie in folders of their names beside the default one', async () => {
  const folder = await makeFolder()
  const options = { model, baseModel: 'x' }
  await writePeft(folder, { ...options, tensors: adapter(['lm_head']) })
  await writePeft(folder, { ...options, tensors: adapter(ofAll('qkv')), name: 'solver' })
  expect((await readPeft(folder, { model })).tensors).toEqual(adapter(['lm_head']))
  expect((await readPeft(folder, { model, adapterName: 'solver' })).tensors).toEqual(adapter(ofAll('qkv')))
  expect((await readdir(folder)).sort()).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'solver',
  ])
})

test('an adapter is only replaced on request, and a failed write changes nothing', async () => {
  const folder = await makeFolder()
  const options = { model, baseModel: 'x' }
  await writePeft(folder, { ...options, tensors: adapter(['lm_head']) })
  await mkdir(join(folder, 'mine'))
  await expect(writePeft(folder, { ...options, tensors: adapter(ofAll('qkv')) })).rejects.toMatchObject({
    code: 'WOULD_OVERWRITE',
  })
  const copy = join(await makeFolder(), 'copy')
  await cp(folder, copy, { recursive: true })
  const wrong = adapter(['lm_head'])
  wrong.set('model.nothing', take(wrong, 'lm_head'))
  const short = adapter(['lm_head'])
  short.set('lm_head', { ...take(short, 'lm_head'), B: new Float32Array(3) })
  for (const tensors of [wrong, short, new Map<string, LoraTensors>()])
    await expect(writePeft(folder, { ...options, tensors, overwrite: true })).rejects.toMatchObject({
      code: 'INVALID_ADAPTER',
    })
  expect(await readdir(folder)).toEqual(await readdir(copy))
  await writePeft(folder, { ...options, tensors: adapter(ofAll('qkv')), overwrite: true })
  expect((await readPeft(folder, { model })).tensors).toEqual(adapter(ofAll('qkv')))
  expect(await readdir(folder)).toContain('mine')
})

test.each(['', '../x', 'a/b', '.hidden'])('the name %j is refused', async (name) => {
  await expect(
    writePeft('x', { tensors: adapter(['lm_head']), model, baseModel: 'x', name }),
  ).rejects.toMatchObject({
    code: 'INVALID_OPTION',
  })
})
