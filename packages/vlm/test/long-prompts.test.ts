/** Prompts so long that they are read in chunks, beside programs that read them at once. */
import { sizedTest } from '@evolmm/internal/testing'
import { serialize } from '@evolmm/onnx'
import { expect, test } from 'vitest'
import { lengthOf } from '../../onnx/test/support/dims'
import { allResults } from '../../onnx/test/support/every-result'
import type { Backbone } from '../src/backbones/backbone'
import type { Feed } from '../src/backbones/feed'
import { learnProgram } from '../src/programs/learn-program'
import { streamProgram } from '../src/programs/stream-program'
import { openProgram } from '../src/runtime/session'
import { largestDifference, relativeDistance } from './support/compare'
import { openFixture } from './support/fixture-model'
import { uniform } from './support/formulas'
import { vlm } from './support/loaded'
import { openLearner, type Group } from './support/model'
import { readReference } from './support/reference'

const fixture = await openFixture(await readReference('qwen2_5_vl-tiny'))
const { model, adapters } = fixture
const none = new Float32Array(0)
const lengths = { tokens: [1100, 1500, 3400] } as const

/** A prompt of text with two answers. */
function groupOf(tokens: number, name: string): Group {
  const ids = Array.from(uniform(name, tokens, 250, 300), Math.round)
  const completions = [ids.slice(0, 5), ids.slice(7, 10)]
  return { ids, images: [], imageSpans: [], completions, advantages: [1, -1], beta: 0 }
}

/** The base model's log-probabilities, read in chunks and at once. */
async function bothWays(backbone: Backbone, groups: readonly Group[]): Promise<Float32Array[]> {
  const ways = (['all', 'none'] as const).map((loops) => ({
    ...model,
    backbone,
    files: { ...model.files, loops },
  }))
  const results = await Promise.all(ways.map((way) => openLearner(way)(groups, none)))
  return results.map(({ logProbabilities }) => logProbabilities)
}

sizedTest('scores are the same, beside a shorter prompt too', lengths, async ({ count }) => {
  const groups = [groupOf(count, 'long'), groupOf(count - 150, 'shorter'), groupOf(20, 'short')]
  const [chunked, atOnce] = await bothWays(model.backbone, groups)
  expect(largestDifference(chunked, atOnce)).toBeLessThan(2e-5)
  const [other] = await bothWays(model.backbone, [groupOf(count, 'another'), ...groups.slice(1)])
  expect(largestDifference(chunked.subarray(8), other.subarray(8))).toBeLessThan(2e-5)
  expect(
    largestDifference(
      chunked,
      atOnce.map((value, i) => (i < 8 ? other[i] : value)),
    ),
  ).toBeGreaterThan(0.1)
})

test('windows and whole images are seen as they are at once', async () => {
  const kinds = [{ window: 300 }, { wholeImages: true, window: 40 }]
  const backbone = { ...model.backbone, mask: (layer: number) => kinds[layer % kinds.length] }
  const [chunked, atOnce] = await bothWays(backbone, [groupOf(1100, 'windows')])
  expect(largestDifference(chunked, atOnce)).toBeLessThan(2e-5)
  const [all] = await bothWays(model.backbone, [groupOf(1100, 'windows')])
  expect(largestDifference(chunked, all)).toBeGreaterThan(1e-3)
})

/** A prompt with a picture whose tokens lie on both sides of where a chunk ends. */
async function acrossChunks(tokens: number): Promise<Group> {
  const group = await fixture.caseGroup('c0')
  const [{ start, length }] = group.imageSpans
  const end = Math.ceil(tokens / Math.ceil(tokens / 256))
  const shift = end - start - Math.floor(length / 2)
  const text = groupOf(tokens - group.ids.length, 'around').ids
  return {
    ...group,
    ids: [...text.slice(0, shift), ...group.ids, ...text.slice(shift)],
    imageSpans: group.imageSpans.map((span) => ({ ...span, start: span.start + shift })),
  }
}

const kindsOf = {
  'all earlier tokens': [{}],
  'windows and whole images': [{ window: 300 }, { wholeImages: true, window: 40 }],
}

sizedTest('gradients are those of all rows at once, plain and checkpointed', lengths, async ({ count }) => {
  const parameters = fixture.startingParameters(adapters)
  const [group, short] = [await acrossChunks(count), groupOf(40, 'short')]
  const groups = [group, { ...short, beta: 0.1 }]
  const gradients: Float32Array[] = []
  for (const kinds of Object.values(kindsOf)) {
    const backbone = { ...model.backbone, mask: (layer: number) => kinds[layer % kinds.length] }
    const learn = (options: { promptTokens?: number; checkpointed?: boolean }) =>
      openLearner({ ...model, backbone }, adapters, options)(groups, parameters)
    const atOnce = await learn({})
    for (const checkpointed of [false, true]) {
      const chunked = await learn({ promptTokens: count, checkpointed })
      expect(relativeDistance(chunked.gradient, atOnce.gradient)).toBeLessThan(1e-5)
      expect(largestDifference(chunked.logProbabilities, atOnce.logProbabilities)).toBeLessThan(2e-5)
    }
    gradients.push(atOnce.gradient)
  }
  expect(relativeDistance(gradients[0], gradients[1])).toBeGreaterThan(1e-3)
})

/** Results of the learning pass that are more than three times as large where a prompt is twice as long. */
function squares(options: { promptTokens?: number; checkpointed: boolean }): string[] {
  const common = { backbone: model.backbone, files: model.files, trainable: adapters }
  const graph = learnProgram({ ...common, gradient: true, kl: true, ...options })
  return allResults(serialize(graph, { flat: true }))
    .filter(({ lengths }) => sizeOf(lengths, 8192) > 3 * sizeOf(lengths, 4096))
    .map(({ path, name, lengths }) => `${path} ${name} [${lengths.join()}]`)
}

/** Elements of a result where prompts have so many tokens and all else is 16 long. */
function sizeOf(lengths: readonly string[], tokens: number): number {
  const names = lengths.flatMap((length) => length.match(/[a-z_]\w*/gi) ?? [])
  const known = new Map(names.map((name) => [name, name === 'P' ? tokens : 16]))
  return lengths.reduce((size, length) => size * (lengthOf(length, known) ?? NaN), 1)
}

test.each([false, true])('nothing grows with the square of a prompt (checkpointed: %s)', (checkpointed) => {
  expect(squares({ checkpointed }).length).toBeGreaterThan(10)
  expect(squares({ checkpointed, promptTokens: 1025 })).toEqual([])
})

sizedTest('a stream reads a prompt as it would at once', lengths, async ({ count }) => {
  const { backbone, files } = model
  const ids = uniform('streamed', count, 250, 300).map(Math.round)
  const integers = (data: ArrayLike<number>, dims = [data.length]): Feed => ({
    dtype: 'int64',
    dims,
    data: BigInt64Array.from(data, BigInt),
  })
  const floats = (dims: number[], data = new Float32Array(0)): Feed => ({ dtype: 'float32', dims, data })
  const places = Array.from({ length: backbone.axes * count }, (_, i) => i % count)
  const caches = Array.from({ length: backbone.sizes.layers }, (_, layer) =>
    ['keys', 'values'].map(
      (name) => [`${name}_${layer}`, floats([1, 0, backbone.sizes.keyValueSize])] as const,
    ),
  )
  const feeds = {
    ...Object.fromEntries(caches.flat()),
    ids: integers(ids),
    positions: integers(places, [backbone.axes, count]),
    // Stretches of an image that ends within a chunk.
    image_runs: integers(ids.map((_, i) => (i % 400 < 330 ? 1 + Math.floor(i / 400) : 0))),
    features: floats([0, backbone.vision?.featureSize ?? 0]),
    feature_rows: integers([]),
    uniform: { dtype: 'float64' as const, dims: [1], data: Float64Array.of(0.5) },
    temperature: floats([], Float32Array.of(1)),
    top_p: floats([], Float32Array.of(1)),
    top_k: integers([0], []),
    stop_tokens: integers([2]),
  }
  const kinds = [{ window: 300 }, { wholeImages: true, window: 40 }, {}]
  const masked = { ...backbone, mask: (layer: number) => kinds[layer % kinds.length] }
  const run = async (each: Backbone, reading: boolean) => {
    const program = await openProgram(streamProgram({ backbone: each, files, reading }), files)
    const results = await program.run(feeds)
    await program.release()
    return results
  }
  for (const each of [backbone, masked]) {
    const [read, atOnce] = [await run(each, true), await run(each, false)]
    expect(Object.keys(read)).toEqual(Object.keys(atOnce))
    for (const [name, { data }] of Object.entries(atOnce))
      if (data instanceof Float32Array)
        expect(largestDifference(read[name].data as Float32Array, data)).toBeLessThan(2e-5)
    expect(read.token.data).toEqual(atOnce.token.data)
  }
  const last = `new_values_${backbone.sizes.layers - 1}`
  const [plain, other] = [await run(backbone, true), await run(masked, true)]
  expect(
    largestDifference(plain[last].data as Float32Array, other[last].data as Float32Array),
  ).toBeGreaterThan(1e-3)
})

sizedTest('the sampler reads as the learning pass does', lengths, async ({ count }) => {
  const prompt = vlm.prompt({ prompt: 'What is it? '.repeat(count / 6) })
  expect(prompt.ids.length).toBeGreaterThan(512)
  const adapter = vlm.createAdapter({ rank: 2, seed: 1 })
  const [samples] = await vlm.sample({ prompts: [prompt], adapter, samples: 2, maxNewTokens: 6, seeds: [4] })
  let streamed = ''
  for await (const piece of vlm.stream({ prompt, adapter, maxNewTokens: 6, seed: 4 })) streamed += piece
  expect(streamed).toBe(samples[0].text)
  const { samplerGap } = await vlm.gradient({
    groups: [{ prompt, completions: samples, advantages: [1, -1] }],
    adapter,
    beta: 0.1,
  })
  expect(samplerGap).toBeLessThan(2e-5)
})
