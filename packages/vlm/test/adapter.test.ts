import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parameterView } from '../src/adapter/parameter-view'
import type { Adapter } from '../src/adapter/adapter'
import { createAdapter } from '../src/adapter/create-adapter'
import { fullWeights } from '../src/adapter/full-weights'
import { loadAdapter } from '../src/adapter/load-adapter'
import { readPeft } from '../src/adapter/read-peft'
import { saveAdapter } from '../src/adapter/save-adapter'
import { readBackbone } from '../src/backbones/open-backbone'
import { openCheckpoint } from '../src/checkpoint/open-checkpoint'
import { coded } from './prompt-checkpoint'
import { copyTiny, floats, makeFolder, readRaw, sameBytes, take, tinyFolder } from './support/safetensors'

const backbone = await readBackbone(tinyFolder)
const peft = join(import.meta.dirname, 'fixtures/peft-tiny')
const block = (i: number, part: string) => `model.language_model.layers.${i}.${part}`
const view = (adapter: Adapter, module: string, side: 'A' | 'B') =>
  parameterView(adapter, `${module}.lora_${side}.weight`)

test('by default the seven projections of the language blocks are adapted, and nothing else', () => {
  const { matched, unmatched, trainable, dropout } = createAdapter(backbone)
  expect(matched).toHaveLength(3 * 7)
  expect(matched.every((name) => name.startsWith('model.language_model.layers.'))).toBe(true)
  expect([unmatched, dropout]).toEqual([[], 0])
  expect([...trainable.lora.values()]).toEqual(matched.map(() => ({ rank: 16, alpha: 32 })))
  const sizes = matched
    .map((name) => take(backbone.modules, name))
    .map(([out, inputs]) => 16 * (out + inputs))
  expect(trainable.layout.size).toBe(sizes.reduce((sum, size) => sum + size))
})

test('with vision the released list adapts the MLPs of the vision blocks too, and mm_projector is reported', () => {
  const { matched, unmatched } = createAdapter(backbone, {
    targets: [...backbone.targets, 'mm_projector'],
    vision: true,
  })
  expect(unmatched).toEqual(['mm_projector'])
  expect(matched.filter((name) => name.startsWith('model.visual.'))).toEqual(
    [0, 1, 2, 3].flatMap((i) =>
      ['gate', 'up', 'down'].map((part) => `model.visual.blocks.${i}.mlp.${part}_proj`),
    ),
  )
  expect(matched).toHaveLength(3 * 7 + 4 * 3)
})

test.each([
  ['q_proj', 3, false],
  ['self_attn.q_proj', 3, false],
  ['layers.1.self_attn.q_proj', 1, false],
  ['model.language_model.layers.1.self_attn.q_proj', 1, false],
  ['model.layers.1.self_attn.q_proj', 1, false],
  ['lm_head', 1, false],
  ['mlp.0', 1, true],
  ['merger.mlp.2', 1, true],
  ['attn.proj', 4, true],
  ['visual.blocks.2.attn.qkv', 1, true],
])('the target %s names %i module(s)', (target, count, vision) => {
  const { matched, unmatched } = createAdapter(backbone, { targets: [target], vision })
  expect([matched.length, unmatched]).toEqual([count, []])
})

test.each([
  ['a part of a name', ['proj'], false],
  ['an unknown name', ['mm_projector'], true],
  ['a name of the vision tower', ['mlp.0'], false],
  ['a weight', ['q_proj.weight'], false],
])('targets that name no module are an error: %s', (_, targets, vision) => {
  expect(() => createAdapter(backbone, { targets, vision })).toThrow(
    coded('NO_MATCH', new RegExp(targets[0])),
  )
})

test.each([
  { targets: [] },
  { targets: [''] },
  { targets: 'q_proj' as unknown as string[] },
  { rank: 0 },
  { rank: 1.5 },
  { alpha: 0 },
  { dropout: 1 },
  { seed: -1 },
])('the options %j are refused', (options) => {
  expect(() => createAdapter(backbone, options)).toThrow(
    coded('INVALID_OPTION', new RegExp(Object.keys(options)[0])),
  )
})

test('A is uniform within 1 / sqrt(in) and B is zero, as PEFT begins', () => {
  const adapter = createAdapter(backbone, { rank: 64, seed: 7 })
  for (const module of [block(0, 'self_attn.q_proj'), block(2, 'mlp.down_proj')]) {
    const [, inputs] = take(backbone.modules, module)
    const values = view(adapter, module, 'A')
    expect(values).toHaveLength(64 * inputs)
    const sorted = values.toSorted().map((value) => (value * Math.sqrt(inputs) + 1) / 2)
    // Kolmogorov and Smirnov's distance from the uniform distribution; 1.95 / sqrt(n) is passed once in 1000 times.
    const distance = sorted.reduce((max, p, i) => Math.max(max, Math.abs(p - (i + 0.5) / sorted.length)), 0)
    expect(distance).toBeLessThan(1.95 / Math.sqrt(sorted.length))
    expect(sorted[0]).toBeGreaterThanOrEqual(0)
    expect(sorted[sorted.length - 1]).toBeLessThanOrEqual(1)
    // Neighbours have nothing to do with each other: their correlation is 0 within five deviations.
    let products = 0
    for (let i = 1; i < values.length; i++) products += values[i] * values[i - 1] * inputs * 3
    expect(Math.abs(products / values.length)).toBeLessThan(5 / Math.sqrt(values.length))
    expect(view(adapter, module, 'B').every((value) => value === 0)).toBe(true)
  }
})

test('values of a module depend on the seed and on the module, not on what else is adapted', () => {
  const [q, v] = [block(1, 'self_attn.q_proj'), block(1, 'self_attn.v_proj')]
  const all = createAdapter(backbone, { seed: 3, vision: true })
  const few = createAdapter(backbone, {
    seed: 3,
    targets: ['layers.1.self_attn.q_proj'],
    alpha: 8,
    dropout: 0.5,
  })
  expect(sameBytes(view(all, q, 'A'), view(few, q, 'A'))).toBe(true)
  expect(few.dropout).toBe(0.5)
  expect(sameBytes(view(all, q, 'A'), view(all, v, 'A'))).toBe(false)
  expect(sameBytes(view(all, q, 'A'), view(createAdapter(backbone, { seed: 3 + 2 ** 32 }), q, 'A'))).toBe(
    false,
  )
  expect(sameBytes(all.parameters, createAdapter(backbone, { seed: 3, vision: true }).parameters)).toBe(true)
})

test('weights trained as a whole begin with the values of the checkpoint', async () => {
  const checkpoint = await openCheckpoint(tinyFolder, backbone)
  const raw = await readRaw(join(tinyFolder, 'model.safetensors'))
  const adapter = await fullWeights(backbone, checkpoint, {
    targets: ['v_proj.bias', 'mlp.0.weight', 'none'],
    vision: true,
  })
  expect(adapter.matched).toEqual([
    'model.visual.merger.mlp.0.weight',
    ...[0, 1, 2].map((i) => block(i, 'self_attn.v_proj.bias')),
  ])
  expect(adapter.unmatched).toEqual(['none'])
  const former = 'visual.merger.mlp.0.weight'
  expect(sameBytes(parameterView(adapter, `model.${former}`), floats(take(raw, former).data))).toBe(true)
  const bias = 'model.layers.2.self_attn.v_proj.bias'
  expect(
    sameBytes(parameterView(adapter, block(2, 'self_attn.v_proj.bias')), floats(take(raw, bias).data)),
  ).toBe(true)
})

test('by default all weights of the language model are trained as a whole, with vision all of the model', async () => {
  const checkpoint = await openCheckpoint(tinyFolder, backbone)
  const language = await fullWeights(backbone, checkpoint)
  expect(language.matched.some((name) => name.startsWith('model.visual.'))).toBe(false)
  const all = await fullWeights(backbone, checkpoint, { vision: true })
  expect(all.matched).toEqual([...backbone.weights.keys()])
  await expect(fullWeights(backbone, checkpoint, { targets: ['q_proj'] })).rejects.toThrow(coded('NO_MATCH'))
  await expect(fullWeights(backbone, checkpoint, { targets: [] })).rejects.toThrow(coded('INVALID_OPTION'))
})

test('an adapter that PEFT wrote has the values that are in its file', async () => {
  const adapter = await loadAdapter(peft, backbone)
  const raw = await readRaw(join(peft, 'adapter_model.safetensors'))
  expect([adapter.matched.length * 2, adapter.dropout]).toEqual([raw.size, 0.1])
  for (const { name } of adapter.trainable.layout.entries)
    expect(sameBytes(parameterView(adapter, name), floats(take(raw, `base_model.model.${name}`).data))).toBe(
      true,
    )
  expect(adapter.unmatched).toEqual([])
  await expect(loadAdapter(peft, backbone, { adapterName: 'nobody' })).rejects.toThrow(
    coded('INVALID_ADAPTER'),
  )
})

test('what is saved is loaded again bit for bit, ranks and alphas of modules of their own included', async () => {
  const folder = await makeFolder()
  const adapter = await loadAdapter(peft, backbone, { adapterName: 'solver' })
  await saveAdapter(join(folder, 'a'), adapter, backbone, { baseModel: 'tiny' })
  const again = await loadAdapter(join(folder, 'a'), backbone)
  expect(again.trainable).toEqual(adapter.trainable)
  expect(sameBytes(again.parameters, adapter.parameters)).toBe(true)
  expect([again.dropout, again.matched]).toEqual([adapter.dropout, adapter.matched])

  const random = createAdapter(backbone, { rank: 3, alpha: 5, vision: true, dropout: 0.25, seed: 1 })
  for (const i of random.parameters.keys()) random.parameters[i] += Math.sin(i)
  await saveAdapter(join(folder, 'b'), random, backbone, {
    baseModel: 'tiny',
    name: 'solver',
    layout: 'legacy',
  })
  const reread = await loadAdapter(join(folder, 'b'), backbone, { adapterName: 'solver' })
  expect(reread).toEqual(random)
  expect((await readPeft(join(folder, 'b'), { model: backbone, adapterName: 'solver' })).config.rank).toBe(3)
})

test('a released list with names that match nothing is reported when it is loaded', async () => {
  const folder = await makeFolder()
  await saveAdapter(join(folder, 'a'), createAdapter(backbone, { rank: 2 }), backbone, { baseModel: 'tiny' })
  const file = join(folder, 'a/adapter_config.json')
  const config = JSON.parse(await readFile(file, 'utf8')) as { target_modules: string[] }
  await writeFile(file, JSON.stringify({ ...config, target_modules: [...backbone.targets, 'mm_projector'] }))
  expect((await loadAdapter(join(folder, 'a'), backbone)).unmatched).toEqual(['mm_projector'])
})

test('weights trained as a whole, and parameters of another length, are not saved as an adapter', async () => {
  const checkpoint = await openCheckpoint(await copyTiny(), backbone)
  const folder = join(await makeFolder(), 'adapter')
  const full = await fullWeights(backbone, checkpoint, { targets: ['v_proj.bias'] })
  await expect(saveAdapter(folder, full, backbone, { baseModel: 'tiny' })).rejects.toThrow(
    coded('INVALID_ADAPTER', /as a checkpoint/),
  )
  const cut = { ...createAdapter(backbone), parameters: new Float32Array(3) }
  await expect(saveAdapter(folder, cut, backbone, { baseModel: 'tiny' })).rejects.toThrow(
    coded('INVALID_ADAPTER', /got 3/),
  )
  await expect(stat(folder)).rejects.toThrow('ENOENT')
})
