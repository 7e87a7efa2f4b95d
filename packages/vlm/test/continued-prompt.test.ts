/** Answers that go on from their own beginning, against the answers themselves. */
import { expect, test } from 'vitest'
import { continuedPrompt } from '../src'
import { casePrompt, vlm } from './support/loaded'
import { sharePrograms } from './support/share-programs'

sharePrograms()

test.each(['c0', 'c1', 'c2'] as const)(
  '%s: from any of its tokens on, the likeliest answer is what it was',
  async (name) => {
    const prompt = await casePrompt(vlm, name)
    const greedy = { temperature: 0, maxNewTokens: 10, stopTokens: [] }
    const [[whole]] = await vlm.sample({ prompts: [prompt], ...greedy })
    const cuts = [1, 4, 9]
    const rest = await vlm.sample({
      prompts: cuts.map((cut) => continuedPrompt(prompt, whole.ids.subarray(0, cut))),
      ...greedy,
    })
    for (const [i, cut] of cuts.entries())
      expect([...rest[i][0].ids.subarray(0, 10 - cut)]).toEqual([...whole.ids.subarray(cut)])
  },
)

test('the log-probabilities of what follows are those within the whole', async () => {
  const prompt = await casePrompt(vlm, 'c1')
  const ids = Int32Array.from(vlm.tokenizer.encode('Read 2. Read 5. So it is 7.'))
  const [whole, rest] = await Promise.all([
    vlm.score({ groups: [{ prompt, completions: [{ ids }] }] }),
    vlm.score({
      groups: [
        { prompt: continuedPrompt(prompt, ids.subarray(0, 5)), completions: [{ ids: ids.subarray(5) }] },
      ],
    }),
  ])
  const [a, b] = [whole, rest].map(({ completions }) => completions[0][0].logProbabilities)
  expect(b.length).toBe(ids.length - 5)
  for (const [i, value] of b.entries()) expect(Math.abs(value - a[i + 5])).toBeLessThan(1e-5)
})
