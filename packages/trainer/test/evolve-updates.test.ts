/** What the loop learns: updates, their order, and the state that they leave. */
import type { Vlm } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { evolve, startState } from '../src/index'
import { tinyForAll, tinyOptions } from './support/tiny-run'
import { scripted } from './support/scripted'
import { learnable, plain, recordsOf } from './support/evolved'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const { vlm, images } = await tinyForAll(4)

const question = '<question>How many?</question><rationale>Because.</rationale>'

test('leave-one-out: unanimous answers are worth nothing, others the distance to the rest', async () => {
  const options = await tinyOptions(
    vlm,
    images.folder,
    {
      total_steps: 1,
      batch_size: 2,
      proposer_update_freq: 0,
      untagged_answers: 'invalid',
      baseline: 'leave-one-out',
    },
    {
      proposer: scripted(vlm, () => question),
      solver: scripted(vlm, (_, p, n) => `<answer>${p === 0 || n < 4 ? 'a' : 'b'}</answer>`),
    },
  )
  const [
    {
      images: [same, split],
      proposer,
    },
  ] = await recordsOf(options)
  expect(same.answers.map(({ advantage }) => advantage)).toEqual([0, 0, 0, 0, 0])
  const [most, one] = [0.8 ** 0.7, 0.2 ** 0.7]
  expect(split.answers[0].advantage).toBeCloseTo(most - (3 * most + one) / 4, 12)
  expect(split.answers[4].advantage).toBeCloseTo(one - most, 12)
  expect(proposer).toBeNull()
})

test('a sampler is told of the weights before its first sample, and after each update', async () => {
  const calls: string[] = []
  const engine = (name: string): Vlm => ({
    ...vlm,
    sample: (given) => {
      calls.push(`${name} samples`)
      return vlm.sample(given)
    },
    weightsChanged: (adapter) => {
      calls.push(`${name} takes ${adapter === options.state.solver.adapter ? 'solver' : 'proposer'}`)
      return Promise.resolve()
    },
  })
  const options = await tinyOptions(vlm, images.folder, {
    total_steps: 3,
    proposer_update_freq: 2,
    ...learnable,
  })
  options.solver = engine('one')
  options.proposer = engine('other')
  await recordsOf(options)
  const solves = ['one takes solver', 'one samples']
  expect(calls).toEqual([
    ...['other takes proposer', 'other samples', ...solves],
    ...['other samples', ...solves],
    ...['other takes proposer', 'other samples', ...solves],
  ])
})

test('after an update the likelihood of a question is that under the base model', async () => {
  const options = await tinyOptions(vlm, images.folder, {
    total_steps: 3,
    proposer_update_freq: 1,
    lr: 0.01,
  })
  const { proposer } = options.state
  for await (const {
    step,
    images: [image],
  } of evolve(options)) {
    if (step === 1) continue
    const encoded = await vlm.encodeImage(image.path)
    const prompt = vlm.prompt({ images: [encoded], prompt: 'Ask.' })
    const ids = Int32Array.from(vlm.tokenizer.encode(image.proposerText))
    // Text that is noise may not be tokenised back to the same ids.
    if (ids.length !== image.proposerTokens) continue
    const { nll } = await vlm.score({ groups: [{ prompt, completions: [{ ids }] }] })
    expect(image.questionLogProbability).toBeCloseTo(-nll, 4)
  }
  expect(proposer.updates).toBe(3)
})

test('one step on each answer after the other, as released, is as many single updates', async () => {
  const sequential = await tinyOptions(vlm, images.folder, {
    total_steps: 1,
    solver_update: 'sequential',
    ...learnable,
  })
  const begin = sequential.state.solver.adapter.parameters.slice()
  const [record] = await recordsOf(sequential)
  expect(record.solver).toMatchObject({ updates: 5, completions: 5 })

  // The same by hand, with the parts that the loop is made of.
  const { AdamW, adaptiveKl } = await import('@evolmm/rl-core')
  const adapter = vlm.createAdapter({ rank: 4, seed: 1 })
  expect(adapter.parameters).toEqual(begin)
  const [image] = record.images
  const prompt = vlm.prompt({ images: [await vlm.encodeImage(image.path)], prompt: image.question ?? '' })
  const [completions] = await vlm.sample({
    prompts: [prompt],
    adapter,
    samples: 5,
    maxNewTokens: 6,
    seeds: [[42, 1, 2, 0]],
  })
  expect(completions.map(({ text }) => text)).toEqual(image.answers.map(({ text }) => text))
  const adamw = new AdamW({ size: begin.length, lr: 1e-3 })
  const controller = adaptiveKl()
  let kl = controller.initial
  let baseline: number | undefined
  for (const [n, completion] of completions.entries()) {
    const reward = image.answers[n].reward ?? NaN
    const advantage = reward - (baseline ?? reward)
    expect(image.answers[n].advantage).toBeCloseTo(advantage, 12)
    baseline = 0.9 * (baseline ?? reward) + 0.1 * reward
    const { gradient, kl: measured } = await vlm.gradient({
      groups: [{ prompt, completions: [completion], advantages: [advantage] }],
      adapter,
      beta: kl.coefficient,
    })
    adamw.step(adapter.parameters, gradient)
    kl = controller.update(measured, kl)
  }
  const distance = adapter.parameters.map((value, i) =>
    Math.abs(value - sequential.state.solver.adapter.parameters[i]),
  )
  expect(Math.max(...distance)).toBeLessThan(1e-7)
  expect(record.solver?.nextBeta).toBeCloseTo(kl.coefficient, 12)
})

test('several epochs are as many optimizer steps on the same samples', async () => {
  const options = await tinyOptions(vlm, images.folder, { total_steps: 1, update_epochs: 3, ...learnable })
  const [record] = await recordsOf(options)
  expect(record.solver).toMatchObject({ updates: 3, completions: 5 })

  // The same by hand, with the parts that the loop is made of.
  const { AdamW, adaptiveKl } = await import('@evolmm/rl-core')
  const adapter = vlm.createAdapter({ rank: 4, seed: 1 })
  const [image] = record.images
  const prompt = vlm.prompt({ images: [await vlm.encodeImage(image.path)], prompt: image.question ?? '' })
  const [completions] = await vlm.sample({
    prompts: [prompt],
    adapter,
    samples: 5,
    maxNewTokens: 6,
    seeds: [[42, 1, 2, 0]],
  })
  expect(completions.map(({ text }) => text)).toEqual(image.answers.map(({ text }) => text))
  const rewards = image.answers.map(({ reward }) => reward ?? NaN)
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / 5
  const advantages = rewards.map((reward) => reward - mean)
  const adamw = new AdamW({ size: adapter.parameters.length, lr: 1e-3 })
  const controller = adaptiveKl()
  let kl = controller.initial
  const losses: number[] = []
  for (let epoch = 0; epoch < 3; epoch++) {
    const beta = kl.coefficient
    const update = await vlm.gradient({ groups: [{ prompt, completions, advantages }], adapter, beta })
    losses.push(update.nll)
    adamw.step(adapter.parameters, update.gradient)
    kl = controller.update(update.kl, kl)
    // Only the first is on the policy that was sampled.
    if (epoch === 0) expect(record.solver?.samplerGap).toBe(update.samplerGap)
  }
  const distance = adapter.parameters.map((value, i) =>
    Math.abs(value - options.state.solver.adapter.parameters[i]),
  )
  expect(Math.max(...distance)).toBeLessThan(1e-7)
  expect(record.solver?.nextBeta).toBeCloseTo(kl.coefficient, 12)
  expect(record.solver?.ce).toBeCloseTo(losses.reduce((sum, loss) => sum + loss, 0) / 3, 6)
})

test.each([
  ['group', 1, 2],
  ['sequential', 1, 12],
  ['group', 2, 5],
] as const)(
  'what fails in the middle of an iteration (%s, %i epochs) leaves the state of the one before',
  async (solver_update, update_epochs, calls) => {
    const options = await tinyOptions(vlm, images.folder, {
      total_steps: 3,
      solver_update,
      update_epochs,
      proposer_update_freq: 1,
      ...learnable,
    })
    let left: number = calls
    options.solver = {
      ...vlm,
      gradient: (given) => (left-- > 0 ? vlm.gradient(given) : Promise.reject(new Error('out of memory'))),
    }
    options.proposer = vlm
    let before: unknown
    await expect(async () => {
      for await (const { step } of evolve(options)) before = { ...plain(options), step }
    }).rejects.toThrow('out of memory')
    expect(before).toBeDefined()
    expect(plain(options)).toEqual(before)
  },
)

test('all weights can be trained instead of adapters', async () => {
  const options = await tinyOptions(vlm, images.folder, {
    total_steps: 2,
    proposer_update_freq: 2,
    lr: 1e-5,
    ...learnable,
  })
  options.state = startState({ solver: await vlm.trainWeights(), proposer: await vlm.trainWeights() })
  const [first, second] = await recordsOf(options)
  expect([first.solver?.kl, second.proposer?.kl]).toEqual([0, 0])
  expect(second.solver?.kl).toBeGreaterThan(0)
})
