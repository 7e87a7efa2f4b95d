/** The loop: an iteration, what is asked, what is refused, and how it ends. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openImageDataset } from '@evolmm/dataset'
import { EvolmmError } from '@evolmm/internal'
import { resolve } from '@evolmm/settings'
import { expect, test, vi } from 'vitest'
import { evolmmSettings, evolve } from '../src/index'
import { phaseNames } from '../src/record/phases'
import { makeImages, sense, tinyForAll, tinyOptions } from './support/tiny-run'
import { scripted } from './support/scripted'
import { learnable, plain, recordsOf } from './support/evolved'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const { vlm, images } = await tinyForAll(4)

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

test('images that are too many for memory together are asked about in parts, with the same draws', async () => {
  const calls: number[] = []
  const fits = (prompts: readonly unknown[]) => {
    calls.push(prompts.length)
    if (prompts.length > 2)
      throw new EvolmmError('MEMORY_EXCEEDED', 'memory: must be at most 1 GB, got 2 GB; take less')
  }
  const small: typeof vlm = {
    ...vlm,
    sample: async (given) => {
      fits(given.prompts)
      return vlm.sample(given)
    },
    score: async (given) => {
      fits(given.groups)
      return vlm.score(given)
    },
  }
  const texts = async (model: typeof vlm) => {
    const settings = { total_steps: 2, batch_size: 3, proposer_update_freq: 1, num_solver_samples: 2 }
    const parts = { solver: model, proposer: model }
    const records = await recordsOf(await tinyOptions(vlm, images.folder, settings, parts))
    return records.map(({ images: all }) =>
      all.map(({ question: asked, answers }) => [asked, answers.map(({ raw }) => raw)]),
    )
  }
  expect(await texts(small)).toEqual(await texts(vlm))
  // Questions and answers; in the second iteration the questions are scored by the start proposer too.
  expect(calls).toEqual(Array.from({ length: 5 }, () => [3, 2, 1]).flat())
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

test('every phase that has a row is ended by the loop, but for the probe, which the run adds', async () => {
  const options = await tinyOptions(vlm, images.folder, {
    total_steps: 1,
    proposer_update_freq: 1,
    ...learnable,
  })
  const [{ seconds }] = await recordsOf(options)
  expect(Object.keys(seconds).sort()).toEqual(['total', ...phaseNames].sort())
  const without = Object.entries(seconds).filter(([, spent]) => spent === 0)
  expect(without.map(([phase]) => phase)).toEqual(['probe'])
})

test('settings that were not resolved are refused', async () => {
  const options = await tinyOptions(vlm, images.folder, { total_steps: 1 })
  const settings = { ...options.settings, lr: -1 }
  await expect(recordsOf({ ...options, settings })).rejects.toThrow(/^settings: must be those of a run/)
})
