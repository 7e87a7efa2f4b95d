import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openImageDataset } from '@evolmm/dataset'
import { shareSessions } from '@evolmm/internal/testing'
import { resolve } from '@evolmm/settings'
import type { Vlm } from '@evolmm/vlm'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  evolmmSettings,
  evolve,
  startState,
  type EvolmmGiven,
  type EvolveOptions,
  type GradedQuestion,
  type IterationRecord,
  type Normalizer,
  type ProposerReward,
} from '../src/index'
import { makeImages, openTiny, sense, tinyOptions } from './support/tiny-run'
import { scripted } from './support/scripted'
import { textReward } from './support/tiny-train'

shareSessions()

let vlm: Vlm
let images: Awaited<ReturnType<typeof makeImages>>
beforeAll(async () => {
  vlm = await openTiny()
  images = await makeImages(4)
})
afterAll(async () => {
  await vlm.dispose()
  await images.remove()
})

const learnable = { reward: textReward } satisfies EvolmmGiven

async function recordsOf(options: EvolveOptions): Promise<IterationRecord[]> {
  const records: IterationRecord[] = []
  for await (const record of evolve(options)) records.push(record)
  return records
}

const question = '<question>How many?</question><rationale>Because.</rationale>'

test('an iteration: question, answers, votes, both rewards, what was learned', async () => {
  const answers = [
    '<answer>3</answer>',
    'so <answer>3.0</answer>',
    '<answer>4</answer>',
    '<answer></answer>',
    '<answer>3',
  ]
  const options = await tinyOptions(
    vlm,
    images.folder,
    { total_steps: 1, proposer_update_freq: 1, ...sense },
    {
      proposer: scripted(vlm, () => question),
      solver: scripted(vlm, (_, __, n) => answers[n]),
    },
  )
  const [record] = await recordsOf(options)
  const [image] = record.images
  expect(image).toMatchObject({
    question: 'How many?',
    faults: [],
    rejected: null,
    histogram: [
      { answer: '3', count: 2 },
      { answer: '4', count: 1 },
      { answer: null, count: 2 },
    ],
    majority: '3',
    majorityCount: 2,
    agreement: 0.4,
  })
  // 2/5, 1/5 and 2/5 of the answers, of the released formulas.
  expect(image.entropy).toBeCloseTo(1.0549, 4)
  expect(image.proposerRewards.continuous).toBeCloseTo(Math.exp(-((1.0549 - 0.9) ** 2) / (2 * 0.35 ** 2)), 4)
  expect(image.answers.map(({ raw, answer, wordsBefore }) => [raw, answer, wordsBefore])).toEqual([
    ['3', '3', 0],
    ['3.0', '3', 1],
    ['4', '4', 0],
    [null, null, 0],
    [null, null, 0],
  ])
  const soft = [0.4 ** 0.7, 0.4 ** 0.7, 0.2 ** 0.7, 0, 0]
  for (const [n, reward] of soft.entries())
    expect(image.answers[n].rewards.continuous).toBeCloseTo(reward, 12)
  expect(image.answers.map(({ rewards }) => rewards.discrete)).toEqual([1, 1, 0, 0, 0])
  // The first group is its own baseline.
  const mean = soft.reduce((sum, reward) => sum + reward, 0) / 5
  expect(record.solver?.rewardMean).toBeCloseTo(mean, 12)
  for (const [n, reward] of soft.entries()) expect(image.answers[n].advantage).toBeCloseTo(reward - mean, 12)
  expect(record.solver).toMatchObject({ updates: 1, completions: 5, beta: 1e-3, kl: 0, learningRate: 1e-3 })
  expect(record.proposer).toMatchObject({ updates: 1, completions: 1, baseline: null })
})

test('discrete rewards are one setting, for both roles', async () => {
  const options = await tinyOptions(
    vlm,
    images.folder,
    { total_steps: 1, proposer_update_freq: 1, untagged_answers: 'invalid', reward: 'discrete' },
    {
      proposer: scripted(vlm, () => question),
      solver: scripted(vlm, (_, __, n) => `<answer>${n < 3 ? 'a' : n}</answer>`),
    },
  )
  const [
    {
      images: [image],
    },
  ] = await recordsOf(options)
  expect(image.answers.map(({ reward }) => reward)).toEqual([1, 1, 1, 0, 0])
  // Entropy of 3+1+1 is 0.950: within the band.
  expect([image.proposerReward, image.proposerRewards.discrete]).toEqual([1, 1])
})

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

test('a malformed question is not asked, earns the proposer nothing, and the solver does not learn', async () => {
  const options = await tinyOptions(
    vlm,
    images.folder,
    { total_steps: 1, proposer_update_freq: 1, ...sense },
    {
      proposer: scripted(vlm, () => 'no tag at all'),
      solver: scripted(vlm, () => '<answer>1</answer>'),
    },
  )
  const [
    {
      images: [image],
      solver,
      proposer,
    },
  ] = await recordsOf(options)
  expect(image).toMatchObject({
    rejected: 'malformed',
    answers: [],
    majority: null,
    entropy: null,
    proposerReward: 0,
  })
  expect(solver).toBeNull()
  expect(proposer?.updates).toBe(1)
})

test('a chat marker in a question would be another prompt: it is not asked, whatever is skipped', async () => {
  const options = await tinyOptions(
    vlm,
    images.folder,
    { total_steps: 1 },
    {
      proposer: scripted(vlm, () => '<question>What is <|image_pad|> here?</question>'),
    },
  )
  const [{ images: asked }] = await recordsOf(options)
  expect(asked[0]).toMatchObject({ rejected: 'malformed', answers: [] })
})

test.each([
  ['too few', () => [1], /must return a list with a reward for each of 5 answers, got 1;/],
  ['no list', () => 1 as never, /for each of 5 answers, got number;/],
  ['too few and given later', () => Promise.resolve([1]), /for each of 5 answers, got 1;/],
  ['no number', () => [1, 1, NaN, 1, 1], /must be a finite number or null, got NaN/],
] as const)(
  'rewards of one’s own that are %s end the run, and nothing is learned',
  async (_, reward, message) => {
    const options = await tinyOptions(vlm, images.folder, { total_steps: 1, reward })
    const before = plain(options)
    await expect(recordsOf(options)).rejects.toMatchObject({
      code: 'INVALID_REWARD',
      message: expect.stringMatching(message) as string,
    })
    expect(options.state.solver.adapter.parameters).toEqual(
      (before as { solver: { parameters: unknown } }).solver.parameters,
    )
    expect(options.state.step).toBe(0)
  },
)

test('a reward of one’s own may come later', async () => {
  const options = await tinyOptions(vlm, images.folder, {
    total_steps: 1,
    reward: async (batch) => Promise.resolve(batch.map((_, i) => (i === 0 ? null : i))),
  })
  const [{ images: asked }] = await recordsOf({ ...options, proposer: scripted(vlm, () => question) })
  expect(asked[0].answers.map(({ reward }) => reward)).toEqual([null, 1, 2, 3, 4])
})

test('a reward of one’s own may serve the proposer too', async () => {
  let seen: readonly GradedQuestion[] = []
  const reward: ProposerReward = (batch) => {
    seen = batch
    return batch.map(({ rejected, answers }) => (rejected === null ? answers.length : null))
  }
  const options = await tinyOptions(
    vlm,
    images.folder,
    { total_steps: 1, batch_size: 2, proposer_update_freq: 1, ...sense, proposer_reward: reward },
    {
      proposer: scripted(vlm, (_, prompt) => (prompt === 0 ? question : 'no tag')),
      solver: scripted(vlm, (_, __, n) => `<answer>${n < 2 ? 'yes' : n}</answer>`),
    },
  )
  const [{ images: asked, proposer }] = await recordsOf(options)
  expect(seen).toMatchObject([
    {
      step: 1,
      image: asked[0].relativePath,
      question: 'How many?',
      rationale: 'Because.',
      faults: [],
      text: question,
      rejected: null,
      logProbability: -1,
      answers: ['yes', 'yes', '2', '3', '4'],
    },
    { question: 'no tag', rejected: 'malformed', answers: [], graded: [] },
  ])
  expect(seen[0].graded.map(({ text, reward }) => [text, reward])).toEqual(
    asked[0].answers.map(({ text, reward }) => [text, reward]),
  )
  expect(asked.map(({ proposerReward }) => proposerReward)).toEqual([5, null])
  expect(asked.map(({ proposerAdvantage }) => proposerAdvantage)).toEqual([0, null])
  expect(proposer).toMatchObject({ rewardMean: 5, updates: 1 })
})

test('rewards of a package of one’s own composition serve the proposer as they are', async () => {
  const { malformedQuestionPenalty, weighted } = await import('@evolmm/rewards')
  const options = await tinyOptions(
    vlm,
    images.folder,
    {
      total_steps: 1,
      proposer_update_freq: 1,
      ...sense,
      proposer_reward: weighted([malformedQuestionPenalty(), 2]),
    },
    { proposer: scripted(vlm, () => 'no tag') },
  )
  const [{ images: asked }] = await recordsOf(options)
  expect(asked[0].proposerReward).toBe(-2)
})

test('a normaliser of one’s own says which answers are the same', async () => {
  const parts = {
    proposer: scripted(vlm, () => question),
    solver: scripted(vlm, (_, __, n) => (n === 4 ? '<answer></answer>' : `<answer>${n} bars</answer>`)),
  }
  const run = async (normalize_answers: Normalizer) =>
    recordsOf(await tinyOptions(vlm, images.folder, { total_steps: 1, ...sense, normalize_answers }, parts))
  const [{ images: asked }] = await run((answer) => answer?.replace(/\d+/, '#') ?? 'never asked')
  expect(asked[0].histogram).toEqual([
    { answer: '# bars', count: 4 },
    { answer: null, count: 1 },
  ])
  expect(asked[0].answers[1].raw).toBe('1 bars')
  await expect(run(() => 1 as never)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(/^normalize_answers: must return a text or null, got number/) as string,
  })
})

test('prompts of one’s own may depend on what is asked about', async () => {
  const asked: string[] = []
  const noting: Vlm = {
    ...vlm,
    prompt: (given) => {
      asked.push(given.prompt ?? '')
      return vlm.prompt(given)
    },
  }
  const options = await tinyOptions(
    vlm,
    images.folder,
    {
      total_steps: 1,
      proposer_prompt: ({ image, step }) => `Ask about ${image} in ${step}.`,
      solver_prompt: ({ question, image }) => `${image}: ${question}`,
    },
    {
      proposer: { ...scripted(vlm, () => question), prompt: noting.prompt },
      solver: { ...scripted(vlm, () => '<answer>1</answer>'), prompt: noting.prompt },
    },
  )
  const [{ images: seen }] = await recordsOf(options)
  const { relativePath } = seen[0]
  expect(asked).toEqual([`Ask about ${relativePath} in 1.`, `${relativePath}: How many?`])
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

test('a question that the start proposer would hardly ask is rejected where that is wanted', async () => {
  const parts = {
    proposer: scripted(vlm, () => question),
    solver: scripted(vlm, () => '<answer>1</answer>'),
  }
  const run = async (min_question_logprob: number) =>
    recordsOf(await tinyOptions(vlm, images.folder, { total_steps: 1, min_question_logprob }, parts))
  // The scripted proposer reports -1 nat for each token.
  const [[strict], [lax]] = [await run(-0.9), await run(-1.1)]
  expect([strict.images[0].rejected, strict.images[0].questionLogProbability]).toEqual(['unlikely', -1])
  expect(lax.images[0].rejected).toBeNull()
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

test('an image that cannot be decoded is left out with a warning, and the others count', async () => {
  const own = await makeImages(3)
  // A header that is right, and nothing after it.
  const { readFile } = await import('node:fs/promises')
  const whole = await readFile(join(own.folder, '1.png'))
  const broken = Buffer.concat([whole.subarray(0, 45), Buffer.alloc(whole.length - 57), whole.subarray(-12)])
  const warn = vi.fn()
  const options = await tinyOptions(vlm, own.folder, { total_steps: 1, batch_size: 3 }, { onWarning: warn })
  options.images = await openImageDataset({ root: own.folder, seed: 1 })
  await options.images.sampleAt(0)
  await options.images.sampleAt(1)
  await options.images.sampleAt(2)
  await writeFile(join(own.folder, '1.png'), broken)
  const [{ images: all, solver }] = await recordsOf(options)
  await own.remove()
  const byName = Object.fromEntries(all.map(({ relativePath, rejected }) => [relativePath, rejected]))
  expect(byName).toEqual({ '0.png': null, '1.png': 'unreadable', '2.png': null })
  expect(solver?.completions).toBe(10)
  expect(warn.mock.calls.flat().join()).toMatch(/^1\.png: is left out of this iteration/)
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

/** The state without what is made of functions. */
function plain({ state }: EvolveOptions): object {
  const role = ({ adapter, ...rest }: typeof state.solver) =>
    structuredClone({ ...rest, parameters: adapter.parameters })
  return {
    ...structuredClone({ step: state.step, watch: state.watch }),
    solver: role(state.solver),
    proposer: role(state.proposer),
  }
}

test('a signal ends the run between iterations, with nothing half done', async () => {
  const stop = new AbortController()
  const options = await tinyOptions(
    vlm,
    images.folder,
    { total_steps: 5, ...learnable },
    { signal: stop.signal },
  )
  let asked = 0
  options.solver = {
    ...vlm,
    sample: (given) => {
      asked++
      if (asked === 3) stop.abort()
      return vlm.sample(given)
    },
  }
  let last: unknown
  const steps: number[] = []
  for await (const { step } of evolve(options)) {
    steps.push(step)
    last = plain(options)
  }
  expect(steps).toEqual([1, 2])
  expect(plain(options)).toEqual(last)
})

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

test.each([
  [{ batch_size: 0 }, /^batch_size: must be an integer at least 1, got 0/],
  [{ num_solver_samples: 1, baseline: 'leave-one-out' }, /^baseline: .* raise num_solver_samples/],
  [{ proposer_baseline: 'leave-one-out' }, /^proposer_baseline: .* leave-one-out.* raise batch_size/],
  [{ solver_prompt: 'Answer.' }, /^solver_prompt: must contain \{question\}/],
  [{ kl_control: 'none' }, /^kl_control: must be one of adaptive, fixed, got "none"/],
  [{ reward: 'soft' }, /^reward: must be one of continuous, discrete/],
  [{ proposer_reward: 'soft' }, /^proposer_reward: must be one of continuous, discrete/],
  [{ lr: -1 }, /^lr: must be a finite number at least 0, got -1/],
  [{ grad_clip: 0 }, /^grad_clip: must be a finite number above 0, got 0/],
  [{ lr_scheduler: 'step' }, /^lr_scheduler: must be one of constant, linear, cosine/],
  [{ update_epochs: 0 }, /^update_epochs: must be an integer at least 1, got 0/],
  [{ solver_update: 'all' }, /^solver_update: must be one of group, sequential/],
] as [object, RegExp][])('%j is refused before anything is begun', (given, message) => {
  let caught: unknown
  try {
    resolve(evolmmSettings, given)
  } catch (error) {
    caught = error
  }
  expect(caught).toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(message) as string,
  })
})

test('settings that were not resolved are refused', async () => {
  const options = await tinyOptions(vlm, images.folder, { total_steps: 1 })
  const settings = { ...options.settings, lr: -1 }
  await expect(recordsOf({ ...options, settings })).rejects.toThrow(/^settings: must be those of a run/)
})
