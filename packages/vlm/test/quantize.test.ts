/**
 * A model in four bits, beside a checkpoint that holds what those bits stand for as float32: read from the twin by the
 * published layout, without the code under test.
 */
import { constants } from 'node:fs'
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { InferenceSession } from 'onnxruntime-node'
import { loadVlm, type Adapter, type Vlm } from '@evolmm/vlm'
import { afterAll, expect, test } from 'vitest'
import { largestDifference, relativeDistance } from './support/compare'
import { casePrompt, completionOf, partsOf, referenceAdapter, referenceCase } from './support/loaded'
import {
  checkpointFiles,
  contentOf,
  floats,
  makeFolder,
  readRaw,
  take,
  tinyFolder,
  writeRaw,
} from './support/safetensors'
import type { RawTensor } from './support/safetensors'

const home = await mkdtemp(join(tmpdir(), 'evolmm-int4-'))
const cacheDir = join(home, 'cache')
const int4 = { threads: 1, quantize: 'int4', cacheDir } as const
const vlm = await loadVlm(tinyFolder, int4)
const [twinName] = await readdir(cacheDir)
const twin = await readRaw(join(cacheDir, twinName))
const plain = await loadVlm(await dequantizedFolder(), { threads: 1 })
afterAll(async () => {
  await vlm.dispose()
  await plain.dispose()
  await rm(home, { recursive: true })
})

/** (code - zero point) scale in float32: halves of bytes, the low one first, blocks of 32 in each row. */
function valuesOf(name: string, [out, inputs]: readonly number[]): Float32Array {
  const [codes, zeros] = ['codes', 'zero_points'].map((part) => take(twin, `${name}.${part}`).data)
  const scales = floats(take(twin, `${name}.scales`).data)
  const blocks = Math.ceil(inputs / 32)
  const nibble = (bytes: Uint8Array, index: number) => (bytes[index >> 1] >> (4 * (index % 2))) & 15
  return Float32Array.from({ length: out * inputs }, (_, i) => {
    const [row, column] = [Math.floor(i / inputs), i % inputs]
    const block = Math.floor(column / 32)
    const zero = nibble(zeros.subarray(row * Math.ceil(blocks / 2)), block)
    return (nibble(codes, row * blocks * 32 + column) - zero) * scales[row * blocks + block]
  })
}

async function dequantizedFolder(): Promise<string> {
  const folder = await mkdtemp(join(home, 'plain-'))
  for (const name of await checkpointFiles()) await copyFile(join(tinyFolder, name), join(folder, name))
  const tensors = new Map<string, RawTensor>()
  for (const [name, tensor] of await readRaw(join(tinyFolder, 'model.safetensors'))) {
    const quantized = twin.has(`${canonical(name)}.codes`)
    const data = quantized ? new Uint8Array(valuesOf(canonical(name), tensor.shape).buffer) : tensor.data
    tensors.set(name, { ...tensor, data })
  }
  await writeRaw(join(folder, 'model.safetensors'), tensors)
  return folder
}

/** The tiny checkpoint has the names of files on the hub. */
function canonical(name: string): string {
  return name.replace(/^visual\./, 'model.visual.').replace(/^model\.(?!visual\.)/, 'model.language_model.')
}

const names = ['c0', 'c1', 'c2', 'c3'] as const

async function learned(model: Vlm, name: (typeof names)[number], checkpointed = false) {
  const { advantage } = referenceCase(name)
  const adapter = referenceAdapter(model)
  const result = await model.gradient({
    groups: [
      {
        prompt: await casePrompt(model, name),
        completions: [completionOf(name)],
        advantages: [advantage],
      },
    ],
    adapter,
    beta: 0.3,
    checkpointed,
  })
  return { ...result, parts: partsOf(adapter, result.gradient) }
}

test('all linear weights but the head are in four bits, in both towers, and nothing else', () => {
  const matrices = [...twin.keys()].filter((name) => name.endsWith('.codes'))
  expect(matrices).toHaveLength(3 * 7 + 4 * 5 + 2)
  expect(twin.size).toBe(4 * matrices.length)
  expect(matrices.some((name) => /embed|lm_head|norm|patch/.test(name))).toBe(false)
})

test('weights are half a step of their block away at most', async () => {
  for (const [name, { shape, data }] of await readRaw(join(tinyFolder, 'model.safetensors'))) {
    if (!twin.has(`${canonical(name)}.codes`)) continue
    const [original, got] = [floats(data), valuesOf(canonical(name), shape)]
    const scales = floats(take(twin, `${canonical(name)}.scales`).data)
    const [, inputs] = shape
    const blocks = Math.ceil(inputs / 32)
    const steps = original.map(
      (_, i) => scales[Math.floor(i / inputs) * blocks + Math.floor((i % inputs) / 32)],
    )
    // The ends of a block's range may lie half a step beyond its codes, which begin at a whole one.
    const beyond = original.findIndex((value, i) => !(Math.abs(got[i] - value) <= 1.0001 * steps[i]))
    expect(beyond, name).toBe(-1)
    expect(relativeDistance(got, original)).toBeLessThan(0.1)
  }
})

test.each(names)('%s: gradients and log-probabilities are those of the dequantized model', async (name) => {
  const [got, want] = [await learned(vlm, name), await learned(plain, name)]
  for (const [index, [tensor, values]] of got.parts.entries())
    expect(relativeDistance(values, want.parts[index][1]), tensor).toBeLessThan(1e-4)
  expect(relativeDistance(got.gradient, want.gradient)).toBeLessThan(1e-4)
  expect(Math.abs(got.loss - want.loss)).toBeLessThan(1e-4)
  expect(Math.abs(got.kl - want.kl)).toBeLessThan(1e-4)
  const [[a], [b]] = [got.completions[0] ?? [], want.completions[0] ?? []]
  expect(largestDifference(a.logProbabilities, b.logProbabilities)).toBeLessThan(1e-4)
})

test('computing blocks anew in the backward pass changes nothing but rounding', async () => {
  const [once, anew] = [await learned(vlm, 'c2'), await learned(vlm, 'c2', true)]
  expect(relativeDistance(anew.gradient, once.gradient)).toBeLessThan(1e-5)
})

test('greedy tokens are those of the dequantized model, and the policy trained is the policy sampled', async () => {
  const greedy = async (model: Vlm, adapter: Adapter | undefined) => {
    const prompts = [await casePrompt(model, 'c0'), await casePrompt(model, 'c2')]
    const samples = await model.sample({ prompts, adapter, temperature: 0, maxNewTokens: 12, stopTokens: [] })
    return samples.map(([{ ids }]) => [...ids])
  }
  expect(await greedy(vlm, undefined)).toEqual(await greedy(plain, undefined))
  expect(await greedy(vlm, referenceAdapter(vlm))).toEqual(await greedy(plain, referenceAdapter(plain)))
  const adapter = referenceAdapter(vlm)
  const prompts = [await casePrompt(vlm, 'c0'), await casePrompt(vlm, 'c3')]
  const groups = await vlm.sample({ prompts, adapter, samples: 5, maxNewTokens: 16, seeds: [1, 2] })
  const { samplerGap } = await vlm.gradient({
    groups: prompts.map((prompt, g) => ({ prompt, completions: groups[g] })),
    adapter,
  })
  expect(samplerGap).toBeLessThan(1e-4)
})

test('streamed text is what is sampled', async () => {
  const prompt = await casePrompt(vlm, 'c1')
  const settings = { temperature: 1, maxNewTokens: 12 }
  const [[{ text }]] = await vlm.sample({ ...settings, prompts: [prompt], seeds: [7] })
  let streamed = ''
  for await (const piece of vlm.stream({ ...settings, prompt, seed: 7 })) streamed += piece
  expect(streamed).toBe(text)
})

test('matrices in four bits are not trained themselves; other weights are', async () => {
  await expect(vlm.trainWeights()).rejects.toMatchObject({ code: 'WEIGHTS_QUANTIZED' })
  await expect(vlm.trainWeights({ targets: ['q_proj.weight'] })).rejects.toThrow(
    'load the model without quantize',
  )
  const norms = await vlm.trainWeights({ targets: ['input_layernorm.weight'] })
  const prompt = await casePrompt(vlm, 'c0')
  const groups = [{ prompt, completions: [completionOf('c0')] }]
  const [got, want] = [
    await vlm.gradient({ groups, adapter: norms, beta: 0.1 }),
    await plain.gradient({ groups, adapter: norms, beta: 0.1 }),
  ]
  expect(relativeDistance(got.gradient, want.gradient)).toBeLessThan(1e-4)
})

test('an adapter is merged into the weights as they came', async () => {
  const folder = await makeFolder()
  const whole = await loadVlm(tinyFolder, { threads: 1 })
  const adapter = vlm.createAdapter({ rank: 3, targets: ['q_proj', 'down_proj'], seed: 5 })
  for (const i of adapter.parameters.keys()) adapter.parameters[i] += 0.01 * Math.sin(i)
  await vlm.saveMerged(join(folder, 'four'), adapter)
  await whole.saveMerged(join(folder, 'whole'), adapter)
  await whole.dispose()
  const [four, all] = ['four', 'whole'].map((name) => readRaw(join(folder, name, 'model.safetensors')))
  expect(contentOf(await four)).toEqual(contentOf(await all))
})

test('exported programs have the weights in four bits beside them', async () => {
  const folder = await makeFolder()
  const files = await vlm.exportPrograms(join(folder, 'out'), vlm.createAdapter({ rank: 2 }))
  expect(files.map((file) => basename(file))).toContain(twinName)
  const program = files.find((file) => file.endsWith('encode.onnx')) ?? ''
  const session = await InferenceSession.create(program)
  expect(session.outputNames).toEqual(['features'])
  await session.release()
})

test('16-bit weights give two twins: what is in four bits is not widened', async () => {
  const [folder, cache] = [await makeFolder(), await makeFolder()]
  const whole = await loadVlm(tinyFolder, { threads: 1 })
  await whole.saveMerged(join(folder, 'half'), whole.createAdapter({ rank: 1 }), { dtype: 'bfloat16' })
  await whole.dispose()
  for (const name of await checkpointFiles())
    await copyFile(join(tinyFolder, name), join(folder, 'half', name), constants.COPYFILE_EXCL).catch(
      () => undefined,
    )
  const sizes: number[] = []
  const onTwin = ({ bytes }: { bytes: number }) => sizes.push(bytes)
  const half = await loadVlm(join(folder, 'half'), {
    ...int4,
    cacheDir: cache,
    onWiden: onTwin,
    onQuantize: onTwin,
  })
  const scores = await half.score({
    groups: [{ prompt: half.prompt({ prompt: 'hello' }), completions: [completionOf('c0')] }],
  })
  expect(scores.nll).toBeGreaterThan(0)
  await half.dispose()
  expect(await readdir(cache)).toHaveLength(2)
  const raw = await readRaw(join(tinyFolder, 'model.safetensors'))
  const rest = [...raw].filter(([name]) => !twin.has(`${canonical(name)}.codes`))
  const four = [...twin.values()].reduce((sum, { data }) => sum + data.length, 0)
  expect(sizes).toEqual([four, rest.reduce((sum, [, { data }]) => sum + data.length, 0)])
})

test('another word than int4 is refused', async () => {
  await expect(loadVlm(tinyFolder, { quantize: 'int8' as 'int4' })).rejects.toThrow(
    'quantize: must be one of int4, got "int8"',
  )
})
