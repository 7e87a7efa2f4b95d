/** Rewards, normalisers and prompts of one’s own in the loop. */
import type { Vlm } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { type GradedQuestion, type Normalizer, type ProposerReward } from '../src/index'
import { sense, tinyForAll, tinyOptions } from './support/tiny-run'
import { scripted } from './support/scripted'
import { plain, recordsOf } from './support/evolved'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const { vlm, images } = await tinyForAll(4)

const question = '<question>How many?</question><rationale>Because.</rationale>'

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
