/** Objectives written with onnx operations. */
import { op } from '@evolmm/onnx'
import type { CustomObjective } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { coded } from './prompt-checkpoint'
import { mean, norm, relativeDistance } from './support/compare'
import { casePrompt, completionOf, partsOf, referenceAdapter, vlm } from './support/loaded'

const prompt = await casePrompt(vlm, 'c0')
const adapter = referenceAdapter(vlm)
const [a, b] = [completionOf('c0'), completionOf('c1')]
const advantages = [0.7, -0.4]

const clip = 0.2
const ppo: CustomObjective = {
  name: 'ppo-clip',
  loss: ({ logProbabilities, sampledLogProbabilities, weights }) => {
    const ratio = op.Exp(op.Sub(logProbabilities, sampledLogProbabilities))
    const terms = op.Min(op.Mul(ratio, weights), op.Mul(op.Clip(ratio, 1 - clip, 1 + clip), weights))
    return op.Neg(op.ReduceSum(terms, undefined, { keepdims: 0 }))
  },
}

/** Completions with what the policy itself says of them, moved by `shift(token)`. */
async function sampled(shift: (i: number) => number) {
  const { completions } = await vlm.score({ groups: [{ prompt, completions: [a, b] }], adapter })
  return [a, b].map((completion, i) => ({
    ...completion,
    logProbabilities: completions[0][i].logProbabilities.map((value, t) => value + shift(t)),
  }))
}

test('PPO at ratio 1 has the gradient of reinforce', async () => {
  const group = { prompt, completions: await sampled(() => 0), advantages }
  for (const beta of [0, 0.05]) {
    const own = await vlm.gradient({ groups: [group], adapter, objective: ppo, beta })
    const plain = await vlm.gradient({ groups: [group], adapter, beta })
    expect(relativeDistance(own.gradient, plain.gradient)).toBeLessThan(1e-5)
    expect(own.samplerGap).toBeLessThan(1e-4)
    // All ratios are 1, so the loss is minus the mean advantage, and what the divergence costs.
    const kl = mean((plain.completions[0] ?? []).map((each) => mean(each.kl)))
    expect(own.loss).toBeCloseTo(-mean(advantages) + beta * kl, 5)
  }
})

test('PPO off the policy: the loss is the clipped one, and clipped tokens have no gradient', async () => {
  const completions = await sampled((t) => [0.5, -0.5, 0.1, -0.1][t % 4])
  const { loss } = await vlm.gradient({
    groups: [{ prompt, completions, advantages }],
    adapter,
    objective: ppo,
  })
  const ratios = [-0.5, 0.5, -0.1, 0.1].map(Math.exp)
  const terms = completions.map(({ ids }, i) =>
    mean(
      Array.from(ids, (_, t) => {
        const ratio = ratios[t % 4]
        return -Math.min(ratio * advantages[i], Math.min(Math.max(ratio, 1 - clip), 1 + clip) * advantages[i])
      }),
    ),
  )
  expect(loss).toBeCloseTo(mean(terms), 5)
  const outside = await vlm.gradient({
    groups: [{ prompt, completions: await sampled(() => -0.5), advantages: [1, 1] }],
    adapter,
    objective: ppo,
  })
  expect(norm(outside.gradient)).toBe(0)
})

test('an objective that reads what the sampler gave is refused where it gave nothing', async () => {
  const [given, other] = await sampled(() => 0)
  for (const [completions, place] of [
    [[a, b], 0],
    [[given, b], 1],
    [[given, { ...other, logProbabilities: undefined }], 1],
  ] as const)
    await expect(
      vlm.gradient({ groups: [{ prompt, completions }], adapter, objective: ppo }),
    ).rejects.toThrow(
      coded(
        'INVALID_OPTION',
        new RegExp(`^groups\\[0\\].completions\\[${place}\\]: .*"ppo-clip" reads, got none`),
      ),
    )
  const { loss } = await vlm.gradient({
    groups: [{ prompt, completions: [given, other] }],
    adapter,
    objective: ppo,
  })
  expect(loss).toBeCloseTo(-1, 5)
})

/** Bends each log-probability, and multiplies neighbouring tokens: nothing about it is linear. */
const bent: CustomObjective = {
  name: 'bent',
  loss: ({ logProbabilities, weights }) => {
    const bend = op.Exp(op.Mul(logProbabilities, -0.25))
    const total = op.ReduceSum(op.Mul(bend, weights), undefined, { keepdims: 0 })
    return op.Mul(total, total)
  },
}

test('an objective that is not linear has the gradient of central differences', async () => {
  const options = { groups: [{ prompt, completions: [a, b], advantages }], objective: bent }
  const { gradient, loss, completions } = await vlm.gradient({ ...options, adapter })
  const total = mean(
    (completions[0] ?? []).map(
      ({ logProbabilities }, i) =>
        advantages[i] * mean(logProbabilities.map((value) => Math.exp(-value / 4))),
    ),
  )
  expect(Math.abs(loss / total ** 2 - 1)).toBeLessThan(1e-5)
  const at = async (change: (parameters: Float32Array) => void) => {
    const parameters = adapter.parameters.slice()
    change(parameters)
    return (await vlm.gradient({ ...options, adapter: { ...adapter, parameters } })).loss
  }
  // The steepest element of some tensors, of language and vision, and the direction of the gradient.
  const parts = partsOf(adapter, gradient).filter((_, i) => i % 11 === 0)
  for (const [name, values] of parts) {
    const place = values.reduce((best, value, i) => (Math.abs(value) > Math.abs(values[best]) ? i : best), 0)
    const index = values.byteOffset / 4 + place - gradient.byteOffset / 4
    const h = 2e-2
    const up = await at((parameters) => (parameters[index] += h))
    const down = await at((parameters) => (parameters[index] -= h))
    expect(Math.abs((up - down) / (2 * h) / values[place] - 1), name).toBeLessThan(2e-2)
  }
  const length = norm(gradient)
  const along = (size: number) =>
    at((parameters) => {
      for (const [i, value] of gradient.entries()) parameters[i] += (size * value) / length
    })
  const slope = ((await along(1e-2)) - (await along(-1e-2))) / 2e-2
  expect(Math.abs(slope / length - 1)).toBeLessThan(5e-3)
})

test('for an objective of one’s own equal completions stay apart, and advantages of zero stay in', async () => {
  const count: CustomObjective = {
    name: 'count',
    loss: ({ logProbabilities, weights }) =>
      op.ReduceSum(op.Add(op.Mul(logProbabilities, 0), op.Add(op.Mul(weights, 0), 1)), undefined, {
        keepdims: 0,
      }),
  }
  const { loss, completions } = await vlm.gradient({
    groups: [{ prompt, completions: [a, a, b], advantages: [0, 0, 0] }],
    adapter,
    objective: count,
  })
  expect(loss).toBe(2 * a.ids.length + b.ids.length)
  expect(completions[0]).toHaveLength(3)
})

test('an objective that is no scalar, or throws, is an error that leaves the model usable', async () => {
  const groups = [{ prompt, completions: [a] }]
  const vector: CustomObjective = { name: 'vector', loss: ({ logProbabilities }) => op.Neg(logProbabilities) }
  await expect(vlm.gradient({ groups, adapter, objective: vector })).rejects.toThrow(/single number/)
  const broken: CustomObjective = {
    name: 'broken',
    loss: () => {
      throw new Error('on purpose')
    },
  }
  await expect(vlm.gradient({ groups, adapter, objective: broken })).rejects.toThrow('on purpose')
  expect((await vlm.gradient({ groups, adapter, objective: bent })).loss).toBeGreaterThan(0)
})
