/** The learning pass through the public functions, on the tiny checkpoint. */
import { InferenceSession } from 'onnxruntime-node'
import { AdamW } from '@evolmm/rl-core'
import type { Adapter, GradientOptions } from '@evolmm/vlm'
import { expect, test, vi } from 'vitest'
import { largestDifference, mean, norm, relativeDistance } from './support/compare'
import {
  casePrompt,
  completionOf,
  partsOf,
  referenceAdapter,
  referenceCase,
  weighted,
  vlm,
} from './support/loaded'
import { adapterTensor } from './support/reference'

const names = ['c0', 'c1', 'c2', 'c3'] as const
const [c0, c1, c2, c3] = await Promise.all(names.map((name) => casePrompt(vlm, name)))
const prompts = { c0, c1, c2, c3 }
const adapter = referenceAdapter(vlm)
const [a, b, c] = names.map(completionOf)

test.each(names)(
  '%s: cross entropy, divergence, loss and all gradients are those of PyTorch',
  async (name) => {
    const want = referenceCase(name)
    const got = await vlm.gradient({
      groups: [{ prompt: prompts[name], completions: [completionOf(name)], advantages: [want.advantage] }],
      adapter,
      beta: want.beta,
    })
    for (const [number, wanted] of [
      [got.loss, want.loss],
      [got.nll, want.ce],
      [got.kl, want.kl],
    ])
      expect(Math.abs(number / wanted - 1)).toBeLessThan(2e-5)
    const [scores] = got.completions[0] ?? []
    expect(largestDifference(scores.logProbabilities, want.token_logprobs)).toBeLessThan(2e-5)
    expect(mean(scores.kl)).toBeCloseTo(got.kl, 6)
    expect(got.samplerGap).toBeUndefined()
    for (const [tensor, values] of partsOf(adapter, got.gradient))
      expect(relativeDistance(values, adapterTensor(`grad.${name}`, tensor)), tensor).toBeLessThan(3e-5)
  },
)

test.each(names)('%s: scores of the base model and of an adapter are those of PyTorch', async (name) => {
  const want = referenceCase(name)
  const groups = [{ prompt: prompts[name], completions: [completionOf(name)] }]
  const base = await vlm.score({ groups })
  expect(largestDifference(base.completions[0][0].logProbabilities, want.completion_logprobs)).toBeLessThan(
    2e-5,
  )
  expect([base.kl, [...base.completions[0][0].kl].some((value) => value !== 0)]).toEqual([0, false])
  const adapted = await vlm.score({ groups, adapter, kl: true })
  expect(largestDifference(adapted.completions[0][0].logProbabilities, want.token_logprobs)).toBeLessThan(
    2e-5,
  )
  expect(Math.abs(adapted.kl / want.kl - 1)).toBeLessThan(2e-5)
})

test.each([
  ['a new adapter', vlm.createAdapter()],
  ['language and vision adapters that change much', adapter],
])('the policy trained is the policy sampled, to 1e-4: %s', async (_, policy) => {
  const all = [c0, c2, c3]
  const groups = await vlm.sample({
    prompts: all,
    adapter: policy,
    samples: 5,
    maxNewTokens: 16,
    seeds: [1, 2, 3],
  })
  const { samplerGap, completions } = await vlm.gradient({
    groups: all.map((prompt, g) => ({ prompt, completions: groups[g] })),
    adapter: policy,
  })
  const gaps = groups.map((group, g) =>
    Math.max(
      ...group.map(({ logProbabilities }, n) =>
        largestDifference(completions[g]?.[n].logProbabilities ?? [], logProbabilities),
      ),
    ),
  )
  expect(samplerGap).toBeCloseTo(Math.max(...gaps), 12)
  expect(samplerGap).toBeLessThan(1e-4)
  const scored = await vlm.score({
    groups: all.map((prompt, g) => ({ prompt, completions: groups[g] })),
    adapter: policy,
  })
  expect(scored.samplerGap).toBeLessThan(1e-4)
})

test('the gap is the largest distance to what was given, for each of several equal completions', async () => {
  const { logProbabilities } = (await vlm.score({ groups: [{ prompt: c3, completions: [a] }], adapter }))
    .completions[0][0]
  const off = logProbabilities.map((value, i) => value + (i === 4 ? 0.25 : 0))
  const { samplerGap } = await vlm.gradient({
    groups: [{ prompt: c3, completions: [{ ...a, logProbabilities }, { ...a, logProbabilities: off }, b] }],
    adapter,
  })
  expect(samplerGap).toBeCloseTo(0.25, 4)
})

test('equal completions are one with the sum of their advantages: exact, and reported for each', async () => {
  const single = (completion: typeof a, advantage: number, beta: number) =>
    vlm.gradient({
      groups: [{ prompt: c1, completions: [completion], advantages: [advantage] }],
      adapter,
      beta,
    })
  // As one completion the run is the same but for the weights, and rounding alone remains.
  const same = await vlm.gradient({
    groups: [{ prompt: c1, completions: [a, a, a], advantages: [0.5, -0.3, 0.7] }],
    adapter,
    beta: 0.05,
  })
  const singles = await Promise.all([0.5, -0.3, 0.7].map((advantage) => single(a, advantage, 0.05)))
  expect(
    relativeDistance(same.gradient, weighted(singles.map((each) => [1 / 3, each] as const))),
  ).toBeLessThan(1e-6)
  expect(Math.abs(same.loss / mean(singles.map(({ loss }) => loss)) - 1)).toBeLessThan(1e-6)

  const mixed = await vlm.gradient({
    groups: [{ prompt: c1, completions: [a, b, a], advantages: [0.5, -0.3, 0.7] }],
    adapter,
  })
  const once = await vlm.gradient({
    groups: [{ prompt: c1, completions: [a, b], advantages: [1.2, -0.3] }],
    adapter,
  })
  expect(relativeDistance(mixed.gradient, weighted([[2 / 3, once]]))).toBeLessThan(1e-6)
  const parts = await Promise.all([single(a, 1.2, 0), single(b, -0.3, 0)])
  expect(
    relativeDistance(mixed.gradient, weighted(parts.map((each) => [1 / 3, each] as const))),
  ).toBeLessThan(1e-5)
  const [first, second, third] = mixed.completions[0] ?? []
  expect(third).toEqual(first)
  expect(second.logProbabilities).toHaveLength(b.ids.length)
  const tokens = [first, second, third].flatMap(({ logProbabilities }) => [...logProbabilities])
  expect(mixed.nll).toBeCloseTo(-mean(tokens), 6)
})

test('groups side by side, with several images or none, have the sum of their gradients', async () => {
  const groups = names.map((name) => ({
    prompt: prompts[name],
    completions: [completionOf(name), c],
    advantages: [referenceCase(name).advantage, -0.2],
  }))
  const together = await vlm.gradient({ groups, adapter, beta: 0.05 })
  const alone = await Promise.all(
    groups.map((group) => vlm.gradient({ groups: [group], adapter, beta: 0.05 })),
  )
  expect(
    relativeDistance(together.gradient, weighted(alone.map((each) => [0.25, each] as const))),
  ).toBeLessThan(1e-5)
  expect(together.loss).toBeCloseTo(mean(alone.map(({ loss }) => loss)), 5)
})

test('a group whose advantages are all zero is left out, and without others nothing is run', async () => {
  const nothing = { prompt: c0, completions: [a, b], advantages: [0, 0] }
  const something = { prompt: c3, completions: [a], advantages: [0.4] }
  const both = await vlm.gradient({ groups: [nothing, something], adapter })
  const one = await vlm.gradient({ groups: [something], adapter })
  expect(both.completions[0]).toBeUndefined()
  expect(both.completions[1]).toHaveLength(1)
  // The mean is over all three completions.
  expect(relativeDistance(both.gradient, weighted([[1 / 3, one]]))).toBeLessThan(1e-6)
  expect(both.nll).toBe(one.nll)

  const run = vi.spyOn((InferenceSession as unknown as { prototype: InferenceSession }).prototype, 'run')
  const none = await vlm.gradient({ groups: [nothing], adapter })
  expect(run).not.toHaveBeenCalled()
  await vlm.gradient({ groups: [something], adapter })
  expect(run).toHaveBeenCalledOnce()
  run.mockRestore()
  expect(none.completions).toEqual([undefined])
  expect([none.loss, norm(none.gradient), none.gradient.length]).toEqual([0, 0, adapter.parameters.length])
})

test('opposite advantages of equal completions are nothing too', async () => {
  const { completions, gradient } = await vlm.gradient({
    groups: [{ prompt: c3, completions: [a, a], advantages: [1, -1] }],
    adapter,
  })
  expect([completions, norm(gradient)]).toEqual([[undefined], 0])
})

test('of a group only what counts reaches the program, and what is equal does once', async () => {
  const run = vi.spyOn((InferenceSession as unknown as { prototype: InferenceSession }).prototype, 'run')
  const rows = () => {
    const [feeds] = run.mock.calls.at(-1) as unknown as [Record<string, { dims: readonly number[] }>]
    return { places: feeds.ids.dims, scored: feeds.tokens.dims }
  }
  const completions = [a, b, c, a, b].map((completion) => ({
    ...completion,
    logProbabilities: new Float32Array(completion.ids.length),
  }))
  const at = (advantages: number[], beta: number) =>
    vlm.gradient({ groups: [{ prompt: c1, completions, advantages }], adapter, beta })
  // The second pair is nothing together, and the third completion by itself.
  const some = await at([0.5, 1, 0, -0.2, -1], 0)
  expect(rows()).toEqual({ places: [1, c1.ids.length + a.ids.length], scored: [a.ids.length] })
  await at([0.5, 1, 0, -0.2, -1], 0.05)
  const distinct = a.ids.length + b.ids.length + c.ids.length
  expect(rows()).toEqual({ places: [1, c1.ids.length + distinct], scored: [distinct] })
  run.mockRestore()

  const alone = await vlm.gradient({
    groups: [{ prompt: c1, completions: [completions[0]], advantages: [0.3] }],
    adapter,
  })
  // The mean is over all five completions; those that were left out have no scores, and no part in other means.
  expect(relativeDistance(some.gradient, weighted([[1 / 5, alone]]))).toBeLessThan(1e-6)
  expect([some.nll, some.samplerGap]).toEqual([alone.nll, alone.samplerGap])
  const scores = some.completions[0] ?? []
  expect(scores.map(({ entropy }) => entropy.length)).toEqual([a.ids.length, 0, 0, a.ids.length, 0])
  expect(scores[0]).toEqual(alone.completions[0]?.[0])
})

test('with a divergence to keep, a group of zero advantages counts by it alone', async () => {
  const at = (advantages: number[], beta: number) =>
    vlm.gradient({ groups: [{ prompt: c0, completions: [a, b], advantages }], adapter, beta })
  const [kl, both, plain] = [await at([0, 0], 0.05), await at([0.3, -0.6], 0.05), await at([0.3, -0.6], 0)]
  const [x, y] = kl.completions[0] ?? []
  expect(kl.loss).toBeCloseTo((0.05 * (mean(x.kl) + mean(y.kl))) / 2, 7)
  expect(
    relativeDistance(
      both.gradient,
      weighted([
        [1, kl],
        [1, plain],
      ]),
    ),
  ).toBeLessThan(1e-5)
})

test.each([
  { normalization: 'token-mean', over: (tokens: number) => tokens },
  { normalization: 'sum', over: () => 1 },
  { normalization: { fixedLength: 40 }, over: () => 40 },
] as { normalization: GradientOptions['normalization']; over: (tokens: number) => number }[])(
  'normalization $normalization is what it says, for the divergence too',
  async ({ normalization, over }) => {
    const advantages = [0.7, -0.4, 0.25]
    const group = { prompt: c2, completions: [a, b, c], advantages }
    const { loss, completions, gradient } = await vlm.gradient({
      groups: [group],
      adapter,
      beta: 0.05,
      normalization,
    })
    const sums = (completions[0] ?? []).map(({ logProbabilities, kl }, i) => {
      const terms = [...logProbabilities].map((value, t) => -advantages[i] * value + 0.05 * kl[t])
      return terms.reduce((sum, term) => sum + term, 0) / over(terms.length)
    })
    expect(Math.abs(loss / mean(sums) - 1)).toBeLessThan(1e-5)
    // The same as token means with other advantages and divergences.
    const parts = await Promise.all(
      group.completions.map((completion, i) =>
        vlm.gradient({
          groups: [{ prompt: c2, completions: [completion], advantages: [advantages[i]] }],
          adapter,
          beta: 0.05,
        }),
      ),
    )
    const lengths = group.completions.map(({ ids }) => ids.length)
    const want = weighted(parts.map((each, i) => [lengths[i] / over(lengths[i]) / 3, each] as const))
    expect(relativeDistance(gradient, want)).toBeLessThan(1e-5)
  },
)

test('beta 0 is the limit of a small beta', async () => {
  const groups = [{ prompt: c0, completions: [a, b], advantages: [0.7, -0.2] }]
  const none = await vlm.gradient({ groups, adapter, beta: 0 })
  const small = await vlm.gradient({ groups, adapter, beta: 1e-9 })
  expect(relativeDistance(none.gradient, small.gradient)).toBeLessThan(1e-6)
  expect(none.kl).toBe(0)
  expect(small.kl).toBeGreaterThan(0.01)
})

test('blocks computed anew in the backward pass give the same', async () => {
  const options: GradientOptions = {
    groups: [{ prompt: c2, completions: [a, c], advantages: [0.7, -0.2] }],
    adapter: { ...adapter, dropout: 0.1 },
    beta: 0.05,
    seed: 3,
  }
  const kept = await vlm.gradient(options)
  const anew = await vlm.gradient({ ...options, checkpointed: true })
  expect(relativeDistance(anew.gradient, kept.gradient)).toBeLessThan(1e-6)
  expect(anew.loss).toBeCloseTo(kept.loss, 6)
})

test('dropout is a function of the seed, and at rate zero it is none', async () => {
  const at = (dropout: number, seed: number) =>
    vlm.gradient({
      groups: [{ prompt: c0, completions: [a], advantages: [1] }],
      adapter: { ...adapter, dropout },
      seed,
    })
  const none = await at(0, 1)
  const [one, again, other] = [await at(0.3, 1), await at(0.3, 1), await at(0.3, 2)]
  expect(again.gradient).toEqual(one.gradient)
  expect(relativeDistance(other.gradient, one.gradient)).toBeGreaterThan(0.05)
  expect(relativeDistance(none.gradient, one.gradient)).toBeGreaterThan(0.05)
  expect((await at(0, 2)).gradient).toEqual(none.gradient)
  expect(relativeDistance((await at(1e-9, 1)).gradient, none.gradient)).toBeLessThan(1e-6)
})

test('a new adapter is the base policy: divergence below 1e-7 at every token', async () => {
  for (const vision of [false, true]) {
    const fresh = vlm.createAdapter({ vision })
    const { completions } = await vlm.gradient({
      groups: names.map((name) => ({ prompt: prompts[name], completions: [completionOf(name)] })),
      adapter: fresh,
      beta: 0.05,
    })
    for (const { kl } of completions.flatMap((group) => group ?? []))
      for (const value of kl) expect(Math.abs(value)).toBeLessThan(1e-7)
  }
})

test('a prompt without images has no gradient in the vision tower', async () => {
  const { gradient } = await vlm.gradient({ groups: [{ prompt: c3, completions: [a] }], adapter })
  for (const [name, values] of partsOf(adapter, gradient))
    if (name.startsWith('model.visual.')) expect(norm(values), name).toBe(0)
    else expect(norm(values), name).toBeGreaterThan(0)
})

test('supervised: the loss is the mean next-token loss', async () => {
  const one = await vlm.gradient({
    groups: [{ prompt: c0, completions: [a] }],
    adapter,
    objective: 'supervised',
  })
  const { ce } = referenceCase('c0')
  expect(Math.abs(one.loss / ce - 1)).toBeLessThan(2e-5)
  expect(one.loss).toBeCloseTo(one.nll, 6)
  const two = await vlm.gradient({
    groups: [{ prompt: c0, completions: [a, b] }],
    adapter,
    objective: 'supervised',
  })
  const means = (two.completions[0] ?? []).map(({ logProbabilities }) => -mean(logProbabilities))
  expect(two.loss).toBeCloseTo(mean(means), 5)
})

/** Losses of 20 steps on three answers, and of the state after them. */
async function learnByHeart(trained: Adapter, lr: number): Promise<number[]> {
  const optimizer = new AdamW({ size: trained.parameters.length, lr, clip: 1 })
  const losses: number[] = []
  for (let step = 0; step <= 20; step++) {
    const { loss, gradient } = await vlm.gradient({
      groups: [
        { prompt: c0, completions: [a] },
        { prompt: c3, completions: [completionOf('c3')] },
      ],
      adapter: trained,
      objective: 'supervised',
    })
    losses.push(loss)
    optimizer.step(trained.parameters, gradient)
  }
  return losses
}

test.each([
  ['LoRA', () => Promise.resolve(vlm.createAdapter({ rank: 8 })), 5e-3],
  ['LoRA in the vision tower too', () => Promise.resolve(vlm.createAdapter({ rank: 8, vision: true })), 5e-3],
  [
    'some weights as a whole',
    () => vlm.trainWeights({ targets: ['v_proj.weight', 'down_proj.weight', 'norm.weight'] }),
    2e-3,
  ],
] as const)('twenty steps of AdamW halve the loss: %s', async (_, make, lr) => {
  const losses = await learnByHeart(await make(), lr)
  expect(losses[20]).toBeLessThan(losses[0] / 2)
  expect(losses[10]).toBeLessThan(losses[0])
})

test('weights trained as a whole begin as the base policy and fall by the square of the gradient norm', async () => {
  const weights = await vlm.trainWeights({ targets: ['v_proj.weight', 'mlp.2.weight'], vision: true })
  const groups = [{ prompt: c2, completions: [a] }]
  const { loss, gradient, completions } = await vlm.gradient({
    groups,
    adapter: weights,
    objective: 'supervised',
  })
  const base = await vlm.score({ groups })
  expect(
    largestDifference(completions[0]?.[0].logProbabilities ?? [], base.completions[0][0].logProbabilities),
  ).toBeLessThan(2e-5)
  const length = norm(gradient)
  const at = async (along: number) => {
    const parameters = weights.parameters.map((value, i) => value + (along * gradient[i]) / length)
    return (await vlm.score({ groups, adapter: { ...weights, parameters } })).nll
  }
  expect(loss).toBeCloseTo(base.nll, 5)
  const slope = ((await at(1e-2)) - (await at(-1e-2))) / 2e-2
  expect(Math.abs(slope / length - 1)).toBeLessThan(1e-2)
})
