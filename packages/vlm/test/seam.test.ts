/**
 * What families that are not here need of the seam: Qwen2-VL's tiny checkpoint with a backbone that says it, beside the plain
 * one. Attention is compared with plain JavaScript.
 */
import { Graph, op, serialize, type Tensor as GraphTensor } from '@evolmm/onnx'
import type { Prompt, Vlm } from '@evolmm/vlm'
import ndarray from 'ndarray'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import type { ImageRows } from '../src/backbones/layers'
import { withFeatures } from '../src/backbones/parts/decoder'
import type { ImageLayout } from '../src/backbones/vision'
import { readBackbone } from '../src/backbones/open-backbone'
import { packedCross, stepCross, type CrossCache } from '../src/programs/cross-attention'
import { crossFeeds } from '../src/programs/cross-feeds'
import { packedAttention } from '../src/programs/packed-attention'
import { coded } from './prompt-checkpoint'
import { largestDifference } from './support/compare'
import { uniform } from './support/formulas'
import { crossing } from './support/crossing'
import { expectClose, folder, loadWith, plain, promptOf, scores, towerOf } from './support/seam'

test('ids below zero may stand where features are put in, and nowhere else', async () => {
  const vlm = await loadWith(({ prompt, positions }) => {
    const imageToken = prompt.tokens.get('<|image_pad|>') ?? NaN
    return {
      prompt: {
        ...prompt,
        tokenize: (...given) => {
          const tokenized = prompt.tokenize(...given)
          for (const [i, { start, length }] of tokenized.imageSpans.entries())
            tokenized.ids.fill(-1 - i, start, start + length)
          return tokenized
        },
      },
      positions: (ids, images) => {
        const known = Array.from(ids, (id) => (id < 0 ? imageToken : id))
        return positions(known, images)
      },
    }
  })
  expect(Math.min(...(await promptOf(vlm, 'c2')).ids)).toBe(-2)
  expectClose(await scores(vlm), await scores(plain), 0)
  const prompt = await promptOf(vlm, 'c0')
  const groups = [{ prompt: { ...prompt, imageSpans: [] }, completions: [{ ids: Int32Array.of(5) }] }]
  await expect(vlm.score({ groups })).rejects.toThrow(coded('INVALID_PROMPT', /must hold tokens below/))
})

test('a row of features may hold more for deeper layers', async () => {
  const vlm = await loadWith((backbone) => {
    const { featureSize: width, features, ...vision } = towerOf(backbone)
    const part = (images: ImageRows, from: number): ImageRows => ({
      ...images,
      features: op.Slice(images.features, [from], [from + width], [1]),
    })
    return {
      vision: {
        ...vision,
        featureSize: 2 * width,
        features: (...given) => {
          const own = features(...given)
          return op.Concat([own, op.Mul(own, 0.5)], { axis: 1 })
        },
      },
      embed: (layers, ids, images) => backbone.embed(layers, ids, images && part(images, 0)),
      decoder: (layers, { images, embedded, ...inputs }) => {
        const more = images && withFeatures(op.Mul(embedded, 0), part(images, width))
        const all = more === undefined ? embedded : op.Add(embedded, more)
        return backbone.decoder(layers, { ...inputs, embedded: all })
      },
    }
  })
  const prompts = [await promptOf(vlm, 'c0'), await promptOf(vlm, 'c2')]
  const [image] = prompts[0].images
  expect(image.features?.shape).toEqual([image.tokens, 2 * 64])
  await expectOnePolicy(vlm, prompts)
})

test('images that see themselves, beyond windows too', async () => {
  const vlm = await loadWith(() => ({
    mask: (layer) => (layer === 1 ? { wholeImages: true } : { window: 9, wholeImages: true }),
  }))
  await expectOnePolicy(vlm, [
    await promptOf(vlm, 'c0'),
    await promptOf(vlm, 'c2'),
    await promptOf(vlm, 'c3'),
  ])
})

test('layers may attend to features that stand in no place among the tokens', async () => {
  const vlm = await loadWith(crossing)
  const names = ['c0', 'c2', 'c3']
  const prompts = await Promise.all(names.map((name) => promptOf(vlm, name)))
  await expectOnePolicy(vlm, prompts)
  const completions = [{ ids: Int32Array.of(30, 40, 50) }]
  const logProbabilities = async (model: Vlm, some: readonly Prompt[]) =>
    (await model.score({ groups: some.map((prompt) => ({ prompt, completions })) })).completions.map(
      ([each]) => each.logProbabilities,
    )
  const together = await logProbabilities(vlm, prompts)
  for (const [i, prompt] of prompts.entries())
    expectClose(await logProbabilities(vlm, [prompt]), [together[i]], 1e-5)
  // Without an image nothing is added: the numbers are those of the plain model.
  expectClose(await logProbabilities(plain, [await promptOf(plain, 'c3')]), [together[2]], 1e-5)
  const adapter = vlm.createAdapter({ rank: 2, vision: true, targets: ['k_proj', 'qkv'] })
  const groups = prompts.map((prompt) => ({ prompt, completions }))
  const { kl, gradient } = await vlm.gradient({ groups, adapter, beta: 0.1 })
  expect(kl).toBeLessThan(1e-6)
  expect(gradient.every(Number.isFinite)).toBe(true)
})

/** All programs agree, and the policy is another one than the plain model's. */
async function expectOnePolicy(vlm: Vlm, prompts: readonly Prompt[]): Promise<void> {
  const seeds = prompts.map((_, i) => i + 1)
  const groups = await vlm.sample({ prompts, samples: 2, maxNewTokens: 14, seeds })
  const learned = prompts.map((prompt, i) => ({ prompt, completions: groups[i] }))
  expect((await vlm.score({ groups: learned })).samplerGap).toBeLessThan(1e-5)
  for (const [i, prompt] of prompts.entries()) {
    let text = ''
    for await (const piece of vlm.stream({ prompt, maxNewTokens: 14, seed: seeds[i] })) text += piece
    expect(text).toBe(groups[i][0].text)
  }
  const own = await promptOf(plain, 'c0')
  const other = await plain.score({ groups: [{ prompt: own, completions: groups[0] }] })
  expect(other.samplerGap).toBeGreaterThan(1e-2)
}

/** Two groups of 14 places: prompts of 8 and 6 tokens, padded to 8, then completions of 3 and 2 tokens, or one of 4. */
const segments = [
  [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, -1],
  [0, 0, 0, 0, 0, 0, -1, -1, 1, 1, 1, 1, -1, -1],
]
const places = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 8, 9, 0],
  [0, 1, 2, 3, 4, 5, 0, 0, 6, 7, 8, 9, 0, 0],
]
const imageRuns = [
  [0, 1, 1, 1, 1, 0, 2, 2, 0, 0, 0, 0, 0, 0],
  [0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
]

test.each([[{}], [{ window: 3 }], [{ wholeImages: true }], [{ window: 2, wholeImages: true }]])(
  'packed attention with %j is that of a plain pass',
  async (kind) => {
    const [width, heads, headSize, scale] = [14, 2, 4, 0.7]
    const graph = new Graph('attention', { opset: 18 })
    const matrix = (name: string) => graph.input(name, 'int64', [2, width])
    const rows = (name: string) => graph.input(name, 'float32', [2 * width, heads * headSize])
    const attend = packedAttention({
      segments: matrix('segments'),
      promptWidth: graph.input('prompt_width', 'int64', [1]),
      kinds: [kind],
      places: matrix('places'),
      imageRuns: matrix('image_runs'),
    })
    const [q, k, v] = ['q', 'k', 'v'].map(rows)
    graph.output('mixed', attend(0, { q, k, v, heads, keyValueHeads: heads, headSize, scale }))
    const values = ['q', 'k', 'v'].map((name) => uniform(name, 2 * width * heads * headSize, 1.5))
    const int = (data: number[][]) => new Tensor('int64', BigInt64Array.from(data.flat(), BigInt), [2, width])
    const float = (data: Float32Array) => new Tensor('float32', data, [2 * width, heads * headSize])
    const session = await InferenceSession.create(serialize(graph))
    const feeds = {
      segments: int(segments),
      prompt_width: new Tensor('int64', BigInt64Array.of(8n), [1]),
      places: int(places),
      image_runs: int(imageRuns),
      ...{ q: float(values[0]), k: float(values[1]), v: float(values[2]) },
    }
    const read = new Set(session.inputNames)
    const { mixed } = await session.run(
      Object.fromEntries(Object.entries(feeds).filter(([name]) => read.has(name))),
    )
    await session.release()

    const { window = Infinity, wholeImages = false }: { window?: number; wholeImages?: boolean } = kind
    const at = (part: number, g: number, token: number, head: number, i: number) =>
      values[part][((g * width + token) * heads + head) * headSize + i]
    const dims = Array.from({ length: headSize }, (_, i) => i)
    for (const g of [0, 1])
      for (let token = 0; token < width; token++) {
        const own = segments[g][token]
        if (own < 0) continue
        const seen = Array.from({ length: width }, (_, other) => other).filter((other) => {
          const theirs = segments[g][other]
          const earlier = (theirs === 0 || theirs === own) && places[g][other] <= places[g][token]
          const near = places[g][other] > places[g][token] - window
          const sameImage = imageRuns[g][token] > 0 && imageRuns[g][other] === imageRuns[g][token]
          return theirs >= 0 && ((earlier && near) || (wholeImages && sameImage))
        })
        for (let head = 0; head < heads; head++) {
          const scores = seen.map((other) =>
            Math.exp(
              scale * dims.reduce((sum, i) => sum + at(0, g, token, head, i) * at(1, g, other, head, i), 0),
            ),
          )
          const total = scores.reduce((sum, value) => sum + value, 0)
          for (const i of dims) {
            const want = seen.reduce(
              (sum, other, s) => sum + (scores[s] / total) * at(2, g, other, head, i),
              0,
            )
            const got = (mixed.data as Float32Array)[((g * width + token) * heads + head) * headSize + i]
            expect(Math.abs(got - want)).toBeLessThan(1e-5)
          }
        }
      }
  },
)

test('attention to features is that of a plain pass: padded groups, a group without any, a step after them', async () => {
  const [counts, heads, headSize, length] = [[3, 0, 2], 2, 4, 5]
  const width = heads * headSize
  const sees = (ids: ArrayLike<number>, images: readonly ImageLayout[]) => {
    const total = images.reduce((sum, { tokens }) => sum + tokens, 0)
    return Uint8Array.from({ length: ids.length * total }, (_, i) => (i % 4 === 1 ? 0 : 1))
  }
  const groups = counts.map((tokens) => {
    const image = { tokens, patches: 0, area: 0, fields: {}, pixels: ndarray(new Float32Array(0), [0, 3]) }
    const ids = new Int32Array(length)
    const prompt = { ids, positions: ids, delta: 0, imageSpans: [], images: tokens > 0 ? [image] : [] }
    return { prompt, completions: [] }
  })
  const vision = { ...towerOf(await readBackbone(folder)), sees }
  const given = crossFeeds({ vision }, groups, { promptWidth: length, width: length })
  const graph = new Graph('cross', { opset: 18 })
  const inputs = {
    rows: graph.input('cross_rows', 'int64', ['G', 'F']),
    mask: graph.input('cross_mask', 'float32', ['G', 'T', 'F']),
    there: graph.input('cross_there', 'float32', ['G']),
  }
  const [q, stepQ, features] = ['q', 'step_q', 'features'].map((name) =>
    graph.input(name, 'float32', [`${name} rows`, width]),
  )
  const segments = graph.input('segments', 'int64', ['G', 'T'])
  const cache: CrossCache = new Map()
  const sizes = { heads, keyValueHeads: heads, headSize, scale: 0.7 }
  const keysValues = (x: GraphTensor) => [op.Mul(x, 2), op.Mul(x, 3)] as const
  const packed = packedCross(inputs, features, { segments, cache })
  graph.output('mixed', packed.attend(7, { q, keysValues, ...sizes }))
  const step = stepCross(inputs, {
    cache,
    lastRows: graph.input('last_rows', 'int64', ['G']),
    samples: graph.input('samples', 'int64', [1]),
  })
  graph.output('step', step.attend(7, { q: stepQ, keysValues, ...sizes }))
  const rows = counts.length * length
  const values = {
    q: uniform('q', rows * width, 1.5),
    step_q: uniform('step', 2 * counts.length * width, 1.5),
    features: uniform('features', 5 * width, 1.5),
  }
  const session = await InferenceSession.create(serialize(graph))
  const int = (data: number[], dims: number[]) => new Tensor('int64', BigInt64Array.from(data, BigInt), dims)
  const results = await session.run({
    ...Object.fromEntries(
      Object.entries(given).map(([name, { dtype, dims, data }]) => [
        name,
        new Tensor(dtype, data as Float32Array, dims),
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(values).map(([name, data]) => [
        name,
        new Tensor('float32', data, [data.length / width, width]),
      ]),
    ),
    segments: int(Array<number>(rows).fill(0), [counts.length, length]),
    last_rows: int(
      counts.map((_, g) => (g + 1) * length - 1),
      [counts.length],
    ),
    samples: int([2], [1]),
  })
  await session.release()
  const plainRow = (query: Float32Array, row: number, g: number, token: number): number[] => {
    const first = counts.slice(0, g).reduce((sum, count) => sum + count, 0)
    const { prompt } = groups[g]
    const seen = sees(prompt.ids, prompt.images)
    const visible = Array.from({ length: counts[g] }, (_, i) => i).filter((i) => seen[token * counts[g] + i])
    return Array.from({ length: width }, (_, i) => {
      const head = Math.floor(i / headSize) * headSize
      const dot = (feature: number) =>
        Array.from({ length: headSize }, (__, d) => head + d).reduce(
          (sum, at) => sum + query[row * width + at] * 2 * values.features[(first + feature) * width + at],
          0,
        )
      const shares = visible.map((feature) => Math.exp(0.7 * dot(feature)))
      const total = shares.reduce((sum, share) => sum + share, 0)
      return visible.reduce(
        (sum, feature, v) => sum + (shares[v] / total) * 3 * values.features[(first + feature) * width + i],
        0,
      )
    })
  }
  const want = counts.flatMap((_, g) =>
    Array.from({ length }, (__, token) => plainRow(values.q, g * length + token, g, token)).flat(),
  )
  expect(largestDifference(results.mixed.data as Float32Array, want)).toBeLessThan(1e-5)
  const wantStep = counts.flatMap((_, g) =>
    [0, 1].flatMap((sample) => plainRow(values.step_q, 2 * g + sample, g, length - 1)),
  )
  expect(largestDifference(results.step.data as Float32Array, wantStep)).toBeLessThan(1e-5)
})
