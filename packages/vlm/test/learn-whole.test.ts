/** Weights trained as a whole, on the tiny checkpoint, whose head is its embeddings. Gradients: see `shapes.test.ts`. */
import { join } from 'node:path'
import { loadVlm, type Adapter } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { largestDifference, mean, relativeDistance } from './support/compare'
import { casePrompt, completionOf, vlm } from './support/loaded'
import { uniform } from './support/formulas'
import { makeFolder } from './support/safetensors'

const names = ['c0', 'c2', 'c3'] as const
const prompts = await Promise.all(names.map((name) => casePrompt(vlm, name)))
const [a, b, c] = names.map(completionOf)

/** The same with every parameter moved. */
function moved(adapter: Adapter, scale: number): Adapter {
  const change = uniform('moved', adapter.parameters.length, scale)
  return { ...adapter, parameters: adapter.parameters.map((value, i) => value + change[i]) }
}

const every = moved(await vlm.trainWeights({ vision: true }), 0.02)

test.each([
  ['all weights, tied embeddings and the vision tower among them', every],
  ['the tied embeddings alone', moved(await vlm.trainWeights({ targets: ['embed_tokens.weight'] }), 0.05)],
  ['LoRA on the tied head', moved(vlm.createAdapter({ rank: 2, targets: ['lm_head', 'q_proj'] }), 0.1)],
])('%s: sampler, stream, score and learning pass are one policy', async (_, adapter) => {
  const groups = await vlm.sample({ prompts, adapter, samples: 3, maxNewTokens: 8, seeds: [1, 2, 3] })
  const learned = { groups: prompts.map((prompt, g) => ({ prompt, completions: groups[g] })), adapter }
  const { samplerGap, kl } = await vlm.gradient({ ...learned, beta: 0.1 })
  expect(samplerGap).toBeLessThan(1e-4)
  expect((await vlm.score(learned)).samplerGap).toBeLessThan(1e-4)
  // Divergence from the base is a mean of numbers that cannot be negative, and this policy is not the base.
  expect(kl).toBeGreaterThan(1e-4)
  let streamed = ''
  for await (const piece of vlm.stream({ prompt: prompts[1], adapter, maxNewTokens: 8, seed: 2 }))
    streamed += piece
  expect(streamed).toBe(groups[1][0].text)
})

test('all weights: the divergence of one word is that of the two distributions, which score gives', async () => {
  const words = Array.from({ length: 640 }, (_, id) => ({ ids: Int32Array.of(id) }))
  const groups = [{ prompt: prompts[0], completions: words }]
  const [policy, base] = await Promise.all([vlm.score({ groups, adapter: every }), vlm.score({ groups })])
  const [p, q] = [policy, base].map(({ completions }) =>
    completions[0].map((each) => each.logProbabilities[0]),
  )
  const want = p.reduce((sum, log, word) => sum + Math.exp(log) * (log - q[word]), 0)
  const { completions } = await vlm.score({
    groups: [{ prompt: prompts[0], completions: [words[7]] }],
    adapter: every,
    kl: true,
  })
  expect(Math.abs(completions[0][0].kl[0] / want - 1)).toBeLessThan(1e-4)
})

test('all weights: equal completions are merged, blocks computed anew give the same', async () => {
  const options = {
    groups: [{ prompt: prompts[1], completions: [a, b, a], advantages: [0.5, -0.3, 0.7] }],
    adapter: every,
    beta: 0.05,
  }
  const kept = await vlm.gradient(options)
  const anew = await vlm.gradient({ ...options, checkpointed: true })
  expect(relativeDistance(anew.gradient, kept.gradient)).toBeLessThan(1e-6)
  const parts = await Promise.all(
    options.groups[0].completions.map((completion, i) =>
      vlm.gradient({
        ...options,
        groups: [
          { prompt: prompts[1], completions: [completion], advantages: [options.groups[0].advantages[i]] },
        ],
      }),
    ),
  )
  const sum = parts[0].gradient.map((_, i) => mean(parts.map(({ gradient }) => gradient[i])))
  expect(relativeDistance(kept.gradient, sum)).toBeLessThan(1e-5)
})

test('all weights: saved and loaded again, the model is the policy', async () => {
  const folder = join(await makeFolder(), 'merged')
  await vlm.saveMerged(folder, every)
  const other = await loadVlm(folder, { threads: 1 })
  const prompt = await casePrompt(other, 'c2')
  const [[got], [want]] = (
    await Promise.all([
      other.score({ groups: [{ prompt, completions: [c] }] }),
      vlm.score({ groups: [{ prompt: prompts[1], completions: [c] }], adapter: every }),
    ])
  ).map(({ completions }) => completions[0])
  expect(largestDifference(got.logProbabilities, want.logProbabilities)).toBeLessThan(2e-5)
  await other.dispose()
})
