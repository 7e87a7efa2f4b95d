/** Several questions about one image in one sequence: the same as a group for each, on the tiny checkpoint. */
import { join } from 'node:path'
import type { EncodedImage, Gradient, GradientOptions, Group, Turn } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { coded } from './prompt-checkpoint'
import { largestDifference, mean, relativeDistance } from './support/compare'
import { uniform } from './support/formulas'
import { weighted, vlm } from './support/loaded'
import { tinyFolder } from './support/safetensors'

const [first, second] = await Promise.all(
  ['img0.png', 'img1.png'].map((file) => vlm.encodeImage(join(tinyFolder, 'images', file))),
)
const turns: Turn[] = [
  { prompt: 'What is the tallest bar?', completion: '<answer>red</answer>' },
  { prompt: 'What color is it?', completion: '<answer>a long answer, 12</answer>' },
  { prompt: 'How many?', completion: '7' },
  { prompt: 'What is the tallest bar?', completion: 'no' },
]
const end = 603

const adapters = {
  'all weights': await vlm.trainWeights({ vision: true }),
  LoRA: vlm.createAdapter({ rank: 4, targets: ['q_proj', 'down_proj'], seed: 3 }),
}
for (const { parameters } of Object.values(adapters)) {
  const change = uniform('moved', parameters.length, 0.02)
  for (let i = 0; i < parameters.length; i++) parameters[i] += change[i]
}

/** Each question with a prompt of its own. */
function apart(images: readonly EncodedImage[], asked = turns): Group[] {
  return asked.map(({ prompt, completion }) => ({
    prompt: vlm.prompt({ images, prompt }),
    completions: [{ ids: Int32Array.from([...vlm.tokenizer.encode(completion as string), end]) }],
  }))
}

test.each([
  ['an image', [first]],
  ['two images', [first, second]],
  ['no image', []],
])('%s: what all questions begin with is the prompt, and each goes on as it would alone', (_, images) => {
  const { prompt, completions } = vlm.group({ images, turns })
  for (const [t, alone] of apart(images).entries()) {
    const { ids, given = 0 } = completions[t]
    expect([...prompt.ids, ...ids]).toEqual([...alone.prompt.ids, ...alone.completions[0].ids])
    expect(ids.length - given).toBe(alone.completions[0].ids.length)
    const width = alone.prompt.ids.length
    for (let axis = 0; axis < 3; axis++) {
      const want = alone.prompt.positions.subarray(axis * width, (axis + 1) * width)
      const shared = prompt.positions.subarray(axis * prompt.ids.length, (axis + 1) * prompt.ids.length)
      const own = Array.from({ length: given }, (__, i) => prompt.ids.length + i + prompt.delta)
      expect([...shared, ...own]).toEqual([...want])
    }
    // The first token of the answer.
    expect(prompt.delta).toBe(alone.prompt.delta)
  }
  expect(turns[0].prompt.startsWith(prompt.text.split('\n').at(-1)?.split('|>').at(-1) ?? '?')).toBe(true)
})

test.each([
  ['all weights', 'supervised', 0],
  ['all weights', 'reinforce', 0.05],
  ['LoRA', 'supervised', 0],
  ['LoRA', 'reinforce', 0.05],
] as const)(
  '%s, %s, beta %d: loss, scores and gradient are those of separate groups',
  async (name, objective, beta) => {
    const adapter = adapters[name]
    const advantages = objective === 'supervised' ? undefined : [0.5, -0.3, 0.8, 0.1]
    const options = { adapter, objective, beta }
    const packed = await vlm.gradient({
      ...options,
      groups: [
        { ...vlm.group({ images: [first], turns }), advantages },
        { ...vlm.group({ images: [second], turns: turns.slice(1, 3) }), advantages: advantages?.slice(1, 3) },
      ],
    })
    const alone = await Promise.all(
      [...apart([first]), ...apart([second], turns.slice(1, 3))].map((group, i) =>
        vlm.gradient({
          ...options,
          groups: [{ ...group, advantages: advantages && [advantages[i < 4 ? i : i - 3]] }],
        }),
      ),
    )
    expect(Math.abs(packed.loss / mean(alone.map(({ loss }) => loss)) - 1)).toBeLessThan(1e-5)
    expect(
      relativeDistance(packed.gradient, weighted(alone.map((each) => [1 / 6, each] as const))),
    ).toBeLessThan(1e-5)
    expectScores(packed, alone)
  },
)

function expectScores(packed: Gradient, alone: readonly Gradient[]): void {
  const all = packed.completions.flatMap((group) => group ?? [])
  const own = alone.map(({ completions }) => completions[0]?.[0])
  expect(all).toHaveLength(own.length)
  for (const [i, scores] of all.entries())
    for (const kind of ['logProbabilities', 'entropy', 'kl'] as const) {
      expect(scores[kind]).toHaveLength(own[i]?.[kind].length ?? 0)
      expect(largestDifference(scores[kind], own[i]?.[kind] ?? [])).toBeLessThan(1e-5)
    }
  for (const kind of ['logProbabilities', 'entropy', 'kl'] as const) {
    const tokens = own.flatMap((scores) => [...(scores?.[kind] ?? [])])
    const got = kind === 'logProbabilities' ? -packed.nll : packed[kind]
    expect(Math.abs(got - mean(tokens))).toBeLessThan(1e-5)
  }
}

test('score of packed questions is that of separate groups, for the base model too', async () => {
  for (const adapter of [undefined, adapters.LoRA]) {
    const packed = await vlm.score({ groups: [vlm.group({ images: [first], turns })], adapter })
    const alone = await vlm.score({ groups: apart([first]), adapter })
    expect(Math.abs(packed.nll - alone.nll)).toBeLessThan(1e-5)
    for (const [t, { logProbabilities }] of packed.completions[0].entries())
      expect(largestDifference(logProbabilities, alone.completions[t][0].logProbabilities)).toBeLessThan(1e-5)
  }
})

test.each([['token-mean'], ['sum'], [{ fixedLength: 40 }]] as [GradientOptions['normalization']][])(
  'normalization %o counts the tokens after those that are given',
  async (normalization) => {
    const options = { adapter: adapters.LoRA, normalization, beta: 0.05 }
    const packed = await vlm.gradient({ ...options, groups: [vlm.group({ images: [first], turns })] })
    const alone = await Promise.all(
      apart([first]).map((group) => vlm.gradient({ ...options, groups: [group] })),
    )
    expect(
      relativeDistance(packed.gradient, weighted(alone.map((each) => [1 / 4, each] as const))),
    ).toBeLessThan(1e-5)
  },
)

test('equal answers to equal questions are merged, and where the question ends tells them apart', async () => {
  const group = vlm.group({ images: [first], turns: [turns[0], turns[1], turns[0]] })
  const adapter = adapters.LoRA
  const merged = await vlm.gradient({ groups: [{ ...group, advantages: [0.5, 1, 0.7] }], adapter })
  const [a, b] = group.completions
  const once = await vlm.gradient({
    groups: [{ ...group, completions: [a, b], advantages: [1.2, 1] }],
    adapter,
  })
  expect(relativeDistance(merged.gradient, weighted([[2 / 3, once]]))).toBeLessThan(1e-6)
  const longer = { ...a, given: (a.given ?? 0) + 2 }
  const both = await vlm.score({ groups: [{ ...group, completions: [a, longer] }], adapter })
  const [whole, part] = both.completions[0].map(({ logProbabilities }) => logProbabilities)
  expect(part).toHaveLength(whole.length - 2)
  expect(largestDifference(part, whole.slice(2))).toBeLessThan(1e-5)
})

test('tokens that were sampled go on as they are, and their log-probabilities are those of the answer', async () => {
  const [{ prompt }] = turns
  const own = vlm.prompt({ images: [first], prompt })
  const [completions] = await vlm.sample({ prompts: [own], samples: 3, maxNewTokens: 6, seeds: [4] })
  const asked = completions.map((completion) => ({ prompt, completion }))
  const group = vlm.group({ images: [first], turns: [...asked, turns[1]] })
  expect(group.completions[0].given).toBeGreaterThan(0)
  const { samplerGap, completions: scores } = await vlm.score({ groups: [group] })
  expect(samplerGap).toBeLessThan(1e-4)
  expect(largestDifference(scores[0][0].logProbabilities, completions[0].logProbabilities)).toBeLessThan(1e-4)
})

test('an image without features serves an adapter that trains vision, and is refused anywhere else', async () => {
  const pixels = await vlm.encodeImage(join(tinyFolder, 'images/img0.png'), { features: false })
  const bare = [vlm.group({ images: [pixels], turns })]
  const full = [vlm.group({ images: [first], turns })]
  const adapter = adapters['all weights']
  const [got, want] = await Promise.all(
    [bare, full].map((groups) => vlm.gradient({ groups, adapter, objective: 'supervised' })),
  )
  expect(got.gradient).toEqual(want.gradient)
  expect((await vlm.score({ groups: bare, adapter })).nll).toBe(
    (await vlm.score({ groups: full, adapter })).nll,
  )
  const error = coded('INVALID_OPTION', /^images: must be encoded with their features/)
  await expect(vlm.gradient({ groups: bare, adapter, beta: 0.1 })).rejects.toThrow(error)
  await expect(vlm.gradient({ groups: bare, adapter: adapters.LoRA })).rejects.toThrow(error)
  await expect(vlm.score({ groups: bare })).rejects.toThrow(error)
  await expect(vlm.sample({ prompts: [bare[0].prompt] })).rejects.toThrow(error)
})

test.each([[-1], [3], [0.5], ['1' as never], [null as never]])(
  'a number of given tokens is refused unless something is left to score: %o of 3',
  async (given) => {
    const prompt = vlm.prompt({ prompt: 'x' })
    const groups = [{ prompt, completions: [{ ids: Int32Array.of(30, 31, 32), given }] }]
    const error = coded('INVALID_OPTION', /^groups\[0\]\.completions\[0\]\.given: /)
    await expect(vlm.gradient({ groups, adapter: adapters.LoRA })).rejects.toThrow(error)
    await expect(vlm.score({ groups })).rejects.toThrow(error)
  },
)

test('the log-probabilities of a sampler are those of the tokens after the given ones', async () => {
  const prompt = vlm.prompt({ prompt: 'x' })
  const completion = { ids: Int32Array.of(30, 31, 32), given: 1, logProbabilities: new Float32Array(3) }
  await expect(vlm.score({ groups: [{ prompt, completions: [completion] }] })).rejects.toThrow(
    coded('INVALID_OPTION', /2 tokens, got 3/),
  )
})

test.each([
  ['no turns', [], /^turns: must hold at least one turn, got none/],
  ['no list', 'What?', /^turns: .*got string/],
  ['null', [null], /^turns\[0\]\.completion/],
  ['no completion', [{ prompt: 'x' }], /^turns\[0\]\.completion: .*got undefined/],
  ['no prompt', [{ completion: 'x' }], /^prompt: must be a text/],
  ['a plain list of tokens', [{ prompt: 'x', completion: { ids: [1] } }], /^turns\[0\]\.completion/],
])('a group refuses %s', (_, given, message) => {
  expect(() => vlm.group({ turns: given as never })).toThrow(coded('INVALID_OPTION', message))
})
