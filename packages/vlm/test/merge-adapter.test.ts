/** Numbers come from PyTorch: see the script beside fixtures/qwen2_5_vl-tiny/reference.json. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { externalData } from '@evolmm/onnx'
import { readTensor, writeSafetensors, type WeightSource } from '@evolmm/safetensors'
import { parameterView } from '../src/adapter/parameter-view'
import type { Adapter } from '../src/adapter/adapter'
import { createAdapter } from '../src/adapter/create-adapter'
import { fullWeights } from '../src/adapter/full-weights'
import { mergeAdapter } from '../src/adapter/merge-adapter'
import { openCheckpoint, openFiles, type StoredModel } from '../src/checkpoint/open-checkpoint'
import { writeCheckpoint } from '../src/checkpoint/write-checkpoint'
import { encodeProgram } from '../src/programs/encode-program'
import { learnProgram } from '../src/programs/learn-program'
import { packGroups } from '../src/programs/pack-groups'
import { openProgram } from '../src/runtime/session'
import { coded } from './prompt-checkpoint'
import { openFixture } from './support/fixture-model'
import { packedPrompt } from './support/model'
import { readReference } from './support/reference'
import { tinyWith } from './support/tiny-with'
import { floats, makeFolder, readRaw, sameBytes, take, tinyFolder } from './support/safetensors'
import { sharePrograms } from './support/share-programs'

sharePrograms()

const { model, caseGroup } = await openFixture(await readReference('qwen2_5_vl-tiny'))
const { backbone, vision } = model
const none = { dims: [0, vision.featureSize], data: new Float32Array(0) }
const checkpoint = await openCheckpoint(tinyFolder, backbone)

interface Case {
  name: string
  completion_ids: number[]
}
const reference = JSON.parse(await readFile(join(tinyFolder, 'reference.json'), 'utf8')) as {
  cases: Case[]
  lora: { losses: { token_logprobs: number[] }[] }
}
const tensors = await readRaw(join(tinyFolder, 'reference.safetensors'))

/** The adapter of the reference, which PEFT attached to the vision MLPs too. */
function referenceAdapter(): Adapter {
  const adapter = createAdapter(backbone, { rank: 4, alpha: 8, targets: backbone.targets, vision: true })
  for (const { name } of adapter.trainable.layout.entries) {
    const key = `lora.${name.replace(/\.lora_([AB])\.weight$/, '.$1')}`
    parameterView(adapter, name).set(floats(take(tensors, key).data))
  }
  return adapter
}

/** Log-probabilities of a case's completion, by the learning pass without a gradient. */
async function score(
  { tensors }: StoredModel,
  { name, completion_ids }: Case,
  adapter?: Adapter,
): Promise<Float32Array> {
  const weights = await externalData(tensors.values())
  const open = (graph: Parameters<typeof openProgram>[0]) =>
    openProgram(graph, { folder: weights.folder, threads: 1 })
  const group = await caseGroup(name)
  const { images } = group
  const encode = await open(encodeProgram({ vision, files: weights }))
  const { dims, data } = images.length > 0 ? (await encode.run(vision.feeds([images]))).features : none
  const features = { dtype: 'float32' as const, dims: [...dims], data: (data as Float32Array).slice() }
  await encode.release()
  const prompt = packedPrompt(model, group)
  const { feeds, scored } = packGroups([{ prompt, completions: [{ ids: Int32Array.from(completion_ids) }] }])
  const learn = await open(
    learnProgram({ backbone, files: weights, trainable: adapter?.trainable, gradient: false, kl: false }),
  )
  const parameters = adapter?.parameters ?? new Float32Array()
  const { log_probabilities: result } = await learn.run({
    ...feeds,
    features,
    weights: { dtype: 'float32', dims: [scored], data: new Float32Array(scored) },
    parameters: { dtype: 'float32', dims: [parameters.length], data: parameters },
  })
  await learn.release()
  return (result.data as Float32Array).slice()
}

async function written(weights: WeightSource[]): Promise<StoredModel> {
  const folder = join(await makeFolder(), 'model')
  await writeCheckpoint(folder, { model: backbone, weights, sourceFolder: tinyFolder })
  return openCheckpoint(folder, backbone)
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a).toHaveLength(b.length)
  return Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i])), 0)
}

test('a merged checkpoint gives the log-probabilities of PyTorch with the adapter beside the weights', async () => {
  const merged = await written(mergeAdapter(backbone, checkpoint, referenceAdapter()))
  for (const [i, each] of reference.cases.entries()) {
    const base = await score(checkpoint, each)
    const wanted = reference.lora.losses[i].token_logprobs
    expect(distance(await score(merged, each), wanted)).toBeLessThan(2e-5)
    expect(distance(base, wanted)).toBeGreaterThan(1e-3)
  }
})

test('a merged checkpoint gives the log-probabilities that the adapter beside the weights gives', async () => {
  const adapter = createAdapter(backbone, { rank: 5, alpha: 9, seed: 2 })
  for (const i of adapter.parameters.keys()) adapter.parameters[i] += 0.03 * Math.sin(i)
  const merged = await written(mergeAdapter(backbone, checkpoint, adapter))
  for (const each of reference.cases)
    expect(distance(await score(merged, each), await score(checkpoint, each, adapter))).toBeLessThan(2e-5)
})

test('weights trained as a whole take the place of those in the checkpoint, and all others stay bit for bit', async () => {
  const adapter = await fullWeights(backbone, checkpoint, {
    targets: ['q_proj.weight', 'norm.weight', 'embed_tokens.weight'],
  })
  const untouched = await written(mergeAdapter(backbone, checkpoint, adapter))
  for (const tensor of checkpoint.tensors.values())
    expect(
      sameBytes(
        (await readTensor(tensor)).data,
        (await readTensor(take(untouched.tensors, tensor.name))).data,
      ),
    ).toBe(true)

  for (const i of adapter.parameters.keys()) adapter.parameters[i] *= 1 + 0.05 * Math.sin(i)
  const merged = await written(mergeAdapter(backbone, checkpoint, adapter))
  for (const tensor of checkpoint.tensors.values()) {
    const { data: now } = await readTensor(take(merged.tensors, tensor.name))
    const wanted = adapter.trainable.full.has(tensor.name)
      ? parameterView(adapter, tensor.name)
      : (await readTensor(tensor)).data
    expect(sameBytes(now, wanted)).toBe(true)
  }
  for (const each of reference.cases)
    expect(distance(await score(merged, each), await score(checkpoint, each, adapter))).toBeLessThan(2e-5)
})

test('a matrix whose rows lie across the pieces it is read in is merged like any other', async () => {
  const name = 'model.language_model.layers.0.self_attn.q_proj.weight'
  const [out, inputs] = [1100, 1031]
  const folder = await makeFolder()
  const file = join(folder, 'w.safetensors')
  const values = Float32Array.from({ length: out * inputs }, (_, i) => Math.sin(i))
  await writeSafetensors(file, [{ name, shape: [out, inputs], values }])
  const large = await openFiles(file, [file], { ...backbone, weights: new Map([[name, [out, inputs]]]) })
  const sizes = {
    ...backbone,
    modules: new Map([[name.replace(/\.weight$/, ''), [out, inputs] as const]]),
  }
  const adapter = createAdapter(sizes, { rank: 2, alpha: 3 })
  for (const i of adapter.parameters.keys()) adapter.parameters[i] = Math.cos(i)
  const [{ values: stream }] = mergeAdapter(backbone, large, adapter)
  if (stream instanceof Float32Array) throw new Error('must be a stream')
  const [a, b] = [0, 2 * inputs].map((start) => adapter.parameters.subarray(start))
  let at = 0
  let [pieces, worst] = [0, 0]
  for await (const piece of stream()) {
    pieces++
    for (const value of piece) {
      const [row, column] = [Math.floor(at / inputs), at % inputs]
      const product = b[2 * row] * a[column] + b[2 * row + 1] * a[inputs + column]
      worst = Math.max(worst, Math.abs(value - Math.fround(values[at] + 1.5 * product)))
      at++
    }
  }
  expect([at, pieces]).toEqual([out * inputs, 2])
  // One unit in the last place, since the sums have another order.
  expect(worst).toBeLessThanOrEqual(2 ** -22)
})

test('an adapter of a tied head cannot be merged', () => {
  const adapter = createAdapter(backbone, { targets: ['lm_head'] })
  expect(() => mergeAdapter(backbone, checkpoint, adapter)).toThrow(
    coded('INVALID_ADAPTER', /tied to the embeddings/),
  )
})

test('an adapter of another model is refused', () => {
  const other = tinyWith({ intermediate_size: 96 })
  expect(() => mergeAdapter(backbone, checkpoint, createAdapter(other))).toThrow(
    coded('INVALID_ADAPTER', /mlp.*must have shape/),
  )
  const deeper = tinyWith({ num_hidden_layers: 4 })
  expect(() => mergeAdapter(backbone, checkpoint, createAdapter(deeper))).toThrow(
    coded('INVALID_ADAPTER', /layers\.3/),
  )
})
