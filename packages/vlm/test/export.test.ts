/** Programs as files, opened as any other runtime would open them. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { loadVlm } from '@evolmm/vlm'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import type { Feed } from '../src/backbones/feed'
import { readBackbone } from '../src/backbones/open-backbone'
import { packGroups } from '../src/programs/pack-groups'
import { coded } from './prompt-checkpoint'
import { largestDifference, relativeDistance } from './support/compare'
import { casePrompt, completionOf, partsOf, referenceAdapter, referenceCase, vlm } from './support/loaded'
import { adapterTensor, referenceTensor } from './support/reference'
import { checkpointFiles, copyTiny, makeFolder, tinyFolder } from './support/safetensors'

const backbone = await readBackbone(tinyFolder)

/** Opened by its path: the weights are found beside it. */
async function run(path: string, feeds: Record<string, Feed>) {
  const session = await InferenceSession.create(path, { logSeverityLevel: 3, intraOpNumThreads: 1 })
  const tensors = Object.entries(feeds)
    .filter(([name]) => session.inputNames.includes(name))
    .map(([name, { dtype, dims, data }]) => [name, new Tensor(dtype, data as Float32Array, dims)] as const)
  const results = await session.run(Object.fromEntries(tensors))
  await session.release()
  return (name: string) => results[name].data
}

const floats = (values: ArrayLike<number>, dims: number[] = [values.length]): Feed => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from(values),
})
const integers = (...values: number[]): Feed => ({
  dtype: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
})

test('the programs are files that a fresh session opens by path, and say what PyTorch says', async () => {
  const folder = join(await makeFolder(), 'deep/programs')
  const adapter = referenceAdapter(vlm)
  const paths = await vlm.exportPrograms(folder, adapter)
  expect(paths.map((path) => basename(path)).sort()).toEqual(
    ['encode', 'gradient', 'sample', 'score', 'stream']
      .map((name) => `${name}.onnx`)
      .concat('model.safetensors')
      .sort(),
  )
  expect((await readdir(folder)).sort()).toEqual(paths.map((path) => basename(path)).sort())

  const prompt = await casePrompt(vlm, 'c0')
  const want = referenceCase('c0')
  const { ids } = completionOf('c0')
  const { feeds } = packGroups([{ prompt, completions: [{ ids }] }])
  const vision = backbone.vision?.feeds([prompt.images])
  const parameters = floats(adapter.parameters)
  const features = floats(prompt.images[0].features?.data ?? [], [
    prompt.imageSpans[0].length,
    backbone.sizes.hiddenSize,
  ])
  const zero = floats(new Float32Array(adapter.parameters.length))

  const encoded = await run(join(folder, 'encode.onnx'), { ...vision, parameters: zero })
  expect(
    largestDifference(encoded('features') as Float32Array, referenceTensor('c0.image_embeds')),
  ).toBeLessThan(2e-5)

  const each = (value: number) => floats(Array.from(ids, () => value / ids.length))
  const learning = {
    ...feeds,
    ...vision,
    features,
    parameters,
    weights: each(want.advantage),
    kl_weights: each(want.beta),
  }
  const score = await run(join(folder, 'score.onnx'), learning)
  expect(largestDifference(score('log_probabilities') as Float32Array, want.token_logprobs)).toBeLessThan(
    2e-5,
  )
  const learned = await run(join(folder, 'gradient.onnx'), learning)
  expect(Math.abs(Number(learned('loss')[0]) / want.loss - 1)).toBeLessThan(2e-5)
  for (const [name, values] of partsOf(adapter, learned('gradient') as Float32Array))
    expect(relativeDistance(values, adapterTensor('grad.c0', name)), name).toBeLessThan(3e-5)
})

test('without an adapter the base model is exported, and its sampler draws the same', async () => {
  const folder = await makeFolder()
  const paths = await vlm.exportPrograms(folder)
  expect(paths.map((path) => basename(path)).sort()).toEqual([
    'encode.onnx',
    'model.safetensors',
    'sample.onnx',
    'score.onnx',
    'stream.onnx',
  ])
  const prompt = await casePrompt(vlm, 'c0')
  const greedy = referenceCase('c0').greedy_ids
  const { feeds } = packGroups([{ prompt, completions: [] }])
  const single = (value: number): Feed => ({ ...floats([value]), dims: [] })
  const common = {
    features: floats(prompt.images[0].features?.data ?? [], [
      prompt.imageSpans[0].length,
      backbone.sizes.hiddenSize,
    ]),
    temperature: single(0),
    top_p: single(1),
    top_k: { ...integers(0), dims: [] },
    stop_tokens: integers(),
  }
  const steps = 8
  const sampled = await run(join(folder, 'sample.onnx'), {
    ...feeds,
    ...common,
    last_rows: integers(prompt.ids.length - 1),
    starts: integers(prompt.ids.length + prompt.delta),
    owners: integers(0),
    uniforms: { dtype: 'float64', dims: [1, steps], data: new Float64Array(steps) },
  })
  expect([...(sampled('tokens') as BigInt64Array)].map(Number)).toEqual(greedy.slice(0, steps))

  const { layers, keyValueSize } = backbone.sizes
  const caches = Array.from({ length: layers }, (_, i) => [`keys_${i}`, `values_${i}`])
    .flat()
    .map((name) => [name, floats([], [1, 0, keyValueSize])] as const)
  const streamed = await run(join(folder, 'stream.onnx'), {
    ...common,
    ...Object.fromEntries(caches),
    ids: integers(...prompt.ids),
    positions: { ...integers(...prompt.positions), dims: [3, prompt.ids.length] },
    feature_rows: feeds.feature_rows,
    uniform: { dtype: 'float64', dims: [1], data: new Float64Array(1) },
  })
  expect(Number(streamed('token')[0])).toBe(greedy[0])
})

test('a folder with anything in it is refused and stays as it was', async () => {
  const folder = await makeFolder()
  await vlm.exportPrograms(join(folder, 'once'))
  const before = await readdir(join(folder, 'once'))
  await expect(vlm.exportPrograms(join(folder, 'once'))).rejects.toThrow(
    coded('WOULD_OVERWRITE', /name another folder/),
  )
  expect(await readdir(join(folder, 'once'))).toEqual(before)
  await mkdir(join(folder, 'mine'))
  await writeFile(join(folder, 'mine/score.onnx'), 'mine')
  await expect(vlm.exportPrograms(join(folder, 'mine'))).rejects.toThrow(coded('WOULD_OVERWRITE'))
  expect(await readdir(join(folder, 'mine'))).toEqual(['score.onnx'])
  await writeFile(join(folder, 'file'), '')
  await expect(vlm.exportPrograms(join(folder, 'file'))).rejects.toThrow(coded('UNWRITABLE_FILE'))
  await expect(vlm.exportPrograms(join(folder, 'file/below'))).rejects.toThrow(coded('UNWRITABLE_FILE'))
  expect((await readdir(folder)).sort()).toEqual(['file', 'mine', 'once'])
})

test('an export that fails half-way leaves nothing behind', async () => {
  const folder = await copyTiny(await checkpointFiles())
  const model = await loadVlm(folder)
  await rm(join(folder, 'model.safetensors'))
  const out = await makeFolder()
  await expect(model.exportPrograms(join(out, 'programs'))).rejects.toThrow(
    coded('UNWRITABLE_FILE', /model\.safetensors/),
  )
  expect(await readdir(out)).toEqual([])
  await model.dispose()
})

test.skipIf(process.platform !== 'linux')(
  'a folder that the system does not make, as below /proc, is an error (skipped where there is no /proc)',
  async () => {
    const vlm = await loadVlm(tinyFolder)
    const error = coded('UNWRITABLE_FILE', /\/proc\/none/)
    await expect(vlm.exportPrograms('/proc/none/programs')).rejects.toThrow(error)
    await expect(vlm.saveAdapter('/proc/none', vlm.createAdapter({ rank: 2 }))).rejects.toThrow(error)
    await vlm.dispose()
  },
)
