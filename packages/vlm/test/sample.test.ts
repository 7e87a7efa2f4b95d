/** Sampling through the public functions, on the tiny checkpoint. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Completion, Prompt } from '@evolmm/vlm'
import { coded, readFixture } from './prompt-checkpoint'
import { referenceAdapter, vlm } from './support/loaded'

const folder = fileURLToPath(new URL('./fixtures/qwen2_5_vl-tiny', import.meta.url))

interface ReferenceCase {
  images: string[]
  prompt: string
  system: string | null
  greedy_ids: number[]
  greedy_text: string
}
const { cases } = readFixture('qwen2_5_vl-tiny/reference.json') as { cases: ReferenceCase[] }

async function promptOf({ images, prompt, system }: ReferenceCase): Promise<Prompt> {
  const encoded = await Promise.all(images.map((file) => vlm.encodeImage(`${folder}/images/${file}`)))
  return vlm.prompt({ images: encoded, prompt, system: system ?? undefined })
}
const prompts = await Promise.all(cases.map(promptOf))

const idsOf = (group: Completion[]) => group.map(({ ids }) => [...ids])

test('temperature 0 gives the greedy tokens of transformers, for all prompts in one run', async () => {
  const groups = await vlm.sample({ prompts, temperature: 0, maxNewTokens: 24 })
  for (const [i, [{ ids, text, finishReason }]] of groups.entries()) {
    expect([...ids]).toEqual(cases[i].greedy_ids)
    expect(text).toBe(cases[i].greedy_text)
    expect(finishReason).toBe(cases[i].greedy_ids.length < 24 ? 'stop' : 'length')
  }
})

test('the same seed gives the same samples, whatever else is in the batch and however many there are', async () => {
  const settings = { maxNewTokens: 12, samples: 3 }
  const seeds = prompts.map((_, i) => [5, i])
  const together = await vlm.sample({ ...settings, prompts, seeds })
  for (const [i, prompt] of prompts.entries()) {
    const [alone] = await vlm.sample({ ...settings, prompts: [prompt], seeds: [seeds[i]] })
    expect(idsOf(alone)).toEqual(idsOf(together[i]))
  }
  const [more] = await vlm.sample({ ...settings, samples: 5, prompts: [prompts[1]], seeds: [seeds[1]] })
  expect(idsOf(more).slice(0, 3)).toEqual(idsOf(together[1]))
  const [shorter] = await vlm.sample({
    ...settings,
    maxNewTokens: 4,
    prompts: [prompts[1]],
    seeds: [seeds[1]],
  })
  expect(idsOf(shorter)).toEqual(idsOf(together[1]).map((ids) => ids.slice(0, 4)))
})

test('other seeds give other samples', async () => {
  const [[a], [b]] = await vlm.sample({
    prompts: [prompts[0], prompts[0]],
    seeds: [1, 2],
    maxNewTokens: 12,
  })
  expect([...a.ids]).not.toEqual([...b.ids])
})

/** Log-probability of each word after a prompt, from the learning pass: a program that shares no attention code. */
async function nextWords(prompt: Prompt): Promise<Float64Array> {
  const words = Array.from({ length: 640 }, (_, id) => ({ ids: Int32Array.of(id) }))
  const { completions } = await vlm.score({ groups: [{ prompt, completions: words }] })
  return Float64Array.from(completions[0], ({ logProbabilities }) => logProbabilities[0])
}

/** Pearson's statistic over words expected 5 times or more, the rest in one class, and its degrees of freedom. */
function chiSquare(counts: Float64Array, shares: Float64Array, draws: number): [number, number] {
  let [statistic, classes, restCount, restShare] = [0, 0, 0, 0]
  for (const [word, share] of shares.entries()) {
    if (share * draws < 5) {
      restCount += counts[word]
      restShare += share
      continue
    }
    statistic += (counts[word] - share * draws) ** 2 / (share * draws)
    classes++
  }
  if (restShare * draws >= 5) {
    statistic += (restCount - restShare * draws) ** 2 / (restShare * draws)
    classes++
  } else expect(restCount).toBeLessThan(30)
  return [statistic, classes - 1]
}

test.each([
  { temperature: 1, topP: 1, topK: 0 },
  { temperature: 0.6, topP: 1, topK: 0 },
  { temperature: 1, topP: 0.5, topK: 0 },
  { temperature: 1, topP: 0.9, topK: 50 },
])('words are drawn as often as the softmax says: %o', async (settings) => {
  const draws = 8000
  const [group] = await vlm.sample({
    ...settings,
    prompts: [prompts[0]],
    samples: draws,
    maxNewTokens: 1,
    seeds: [11],
  })
  const plain = await nextWords(prompts[0])
  const weights = plain.map((log) => Math.exp(log / settings.temperature))
  const order = [...weights.keys()].sort((a, b) => weights[b] - weights[a])
  const candidates = settings.topK > 0 ? order.slice(0, settings.topK) : order
  const mass = candidates.reduce((sum, word) => sum + weights[word], 0)
  let before = 0
  const kept = candidates.filter((word) => {
    const keep = before < settings.topP * mass
    before += weights[word]
    return keep
  })
  const total = kept.reduce((sum, word) => sum + weights[word], 0)
  const shares = new Float64Array(640)
  for (const word of kept) shares[word] = weights[word] / total

  const counts = new Float64Array(640)
  for (const { ids, sampledLogProbabilities, logProbabilities } of group) {
    counts[ids[0]]++
    expect(sampledLogProbabilities[0]).toBeCloseTo(Math.log(shares[ids[0]]), 3)
    expect(logProbabilities[0]).toBeCloseTo(plain[ids[0]], 4)
  }
  const [statistic, freedom] = chiSquare(counts, shares, draws)
  // Normal approximation: beyond 4 standard deviations in 1 of 30,000 seeds.
  expect(Math.abs(statistic - freedom)).toBeLessThan(4 * Math.sqrt(2 * freedom))
})

test('the smallest topP and the lowest temperature leave the most probable word', async () => {
  const greedy = await vlm.sample({ prompts, temperature: 0, maxNewTokens: 6 })
  for (const settings of [{ topP: 1e-300 }, { topP: 1e-40 }, { temperature: 1e-9 }, { topK: 1 }]) {
    const drawn = await vlm.sample({ prompts, ...settings, maxNewTokens: 6 })
    expect(drawn.map(idsOf)).toEqual(greedy.map(idsOf))
    for (const { sampledLogProbabilities } of drawn.flat())
      for (const value of sampledLogProbabilities) expect(value).toBeCloseTo(0, 6)
  }
})

test('with adapters in the vision tower a batch of prompts with and without images draws what each draws alone', async () => {
  const adapter = referenceAdapter(vlm)
  const seeds = prompts.map((_, i) => [8, i])
  const settings = { adapter, samples: 2, maxNewTokens: 10 }
  const together = await vlm.sample({ ...settings, prompts, seeds })
  const plain = await vlm.sample({ ...settings, adapter: undefined, prompts, seeds })
  expect(together.map(idsOf)).not.toEqual(plain.map(idsOf))
  for (const [i, prompt] of prompts.entries()) {
    const [alone] = await vlm.sample({ ...settings, prompts: [prompt], seeds: [seeds[i]] })
    expect(idsOf(alone)).toEqual(idsOf(together[i]))
    let streamed = ''
    for await (const piece of vlm.stream({ adapter, prompt, maxNewTokens: 10, seed: seeds[i] }))
      streamed += piece
    expect(streamed).toBe(together[i][0].text)
  }
  const backwards = await vlm.sample({
    ...settings,
    prompts: prompts.toReversed(),
    seeds: seeds.toReversed(),
  })
  expect(backwards.toReversed().map(idsOf)).toEqual(together.map(idsOf))
})

test('a sample ends with the first of the stop tokens', async () => {
  const [[free]] = await vlm.sample({ prompts: [prompts[2]], maxNewTokens: 12, seeds: [3] })
  const stop = free.ids[5]
  const [[stopped]] = await vlm.sample({
    prompts: [prompts[2]],
    maxNewTokens: 12,
    seeds: [3],
    stopTokens: [stop],
  })
  expect([...stopped.ids]).toEqual([...free.ids.slice(0, free.ids.indexOf(stop) + 1)])
  expect(stopped.finishReason).toBe('stop')
  expect(stopped.logProbabilities).toHaveLength(stopped.ids.length)
  const [[endless]] = await vlm.sample({
    prompts: [prompts[2]],
    maxNewTokens: 12,
    seeds: [3],
    stopTokens: [],
  })
  expect(endless.ids).toHaveLength(12)
  expect(endless.finishReason).toBe('length')
})

test('a run ends early when all samples have stopped, and others go on until then', async () => {
  const [[free]] = await vlm.sample({ prompts: [prompts[0]], maxNewTokens: 8, seeds: [9] })
  const groups = await vlm.sample({
    prompts: [prompts[0], prompts[1]],
    samples: 2,
    maxNewTokens: 8,
    seeds: [9, 10],
    stopTokens: [free.ids[2]],
  })
  expect([...groups[0][0].ids]).toEqual([...free.ids.slice(0, free.ids.indexOf(free.ids[2]) + 1)])
  for (const completion of groups.flat())
    expect(completion.finishReason).toBe(completion.ids.at(-1) === free.ids[2] ? 'stop' : 'length')
})

test('a stream gives the text of sample 0, and can be stopped', async () => {
  for (const settings of [{ temperature: 0 }, { temperature: 1, topP: 0.95 }]) {
    const [[{ text }]] = await vlm.sample({
      ...settings,
      prompts: [prompts[2]],
      maxNewTokens: 16,
      seeds: [[4, 2]],
    })
    let streamed = ''
    for await (const piece of vlm.stream({
      ...settings,
      prompt: prompts[2],
      maxNewTokens: 16,
      seed: [4, 2],
    }))
      streamed += piece
    expect(streamed).toBe(text)
  }
  const controller = new AbortController()
  const pieces: string[] = []
  const cut = (async () => {
    for await (const piece of vlm.stream({
      prompt: prompts[0],
      maxNewTokens: 200,
      stopTokens: [],
      signal: controller.signal,
    })) {
      pieces.push(piece)
      if (pieces.length === 3) controller.abort(new Error('enough'))
    }
  })()
  await expect(cut).rejects.toThrow('enough')
  expect(pieces).toHaveLength(3)
})

test.each([
  [{ samples: 0 }, /samples: must be .*at least 1/],
  [{ temperature: -1 }, /temperature: must be/],
  [{ temperature: 1e-40 }, /temperature: must be 0, which is greedy, or at least 1e-9/],
  [{ topP: 0 }, /topP: must be/],
  [{ topK: 1.5 }, /topK: must be/],
  [{ maxNewTokens: 0 }, /maxNewTokens: must be/],
  [{ stopTokens: [640] }, /stopTokens: must be/],
  [{ stopTokens: 5 }, /stopTokens: must be a list/],
  [{ seeds: 5 }, /seeds: must be one for each .*got 5/],
  [{ seeds: null }, /seeds: must be one for each .*got null/],
  [{ seeds: ['x'] }, /seed: must be an integer/],
  [{ seeds: [{}] }, /seed: must be an integer/],
  [{ seeds: [1, 2] }, /seeds: must be one for each of the 1 prompts/],
  [{ maxNewTokens: 5000 }, /fit into 4096 positions/],
  [{ prompts: [] }, /prompts: must hold at least one/],
])('%o is refused', async (options, message) => {
  const error = coded(
    'maxNewTokens' in options && options.maxNewTokens > 0 ? 'PROMPT_TOO_LONG' : 'INVALID_OPTION',
    message,
  )
  await expect(vlm.sample({ prompts: [prompts[0]], ...(options as object) })).rejects.toThrow(error)
})
