/** Prompts so long that they are read in chunks, beside programs that read them at once. */
import { sizedTest } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import type { Backbone } from '../src/backbones/backbone'
import { largestDifference } from './support/compare'
import { openFixture } from './support/fixture-model'
import { uniform } from './support/formulas'
import { vlm } from './support/loaded'
import { openLearner, type Group } from './support/model'
import { readReference } from './support/reference'

const { model } = await openFixture(await readReference('qwen2_5_vl-tiny'))
const none = new Float32Array(0)
const lengths = { tokens: [700, 1500, 3400] } as const

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
  const [chunked, atOnce] = await bothWays(backbone, [groupOf(700, 'windows')])
  expect(largestDifference(chunked, atOnce)).toBeLessThan(2e-5)
  const [all] = await bothWays(model.backbone, [groupOf(700, 'windows')])
  expect(largestDifference(chunked, all)).toBeGreaterThan(1e-3)
})

sizedTest('the sampler reads as the learning pass does, which reads at once', lengths, async ({ count }) => {
  const prompt = vlm.prompt({ prompt: 'What is it? '.repeat(count / 6) })
  expect(prompt.ids.length).toBeGreaterThan(512)
  const adapter = vlm.createAdapter({ rank: 2, seed: 1 })
  const [samples] = await vlm.sample({ prompts: [prompt], adapter, samples: 2, maxNewTokens: 6, seeds: [4] })
  const { samplerGap } = await vlm.gradient({
    groups: [{ prompt, completions: samples, advantages: [1, -1] }],
    adapter,
    beta: 0.1,
  })
  expect(samplerGap).toBeLessThan(2e-5)
})
