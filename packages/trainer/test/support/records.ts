/** Records of iterations: any that can be, and a plausible one. */
import fc from 'fast-check'
import { groupStatistics } from '@evolmm/rewards'
import type { AnswerRecord, ImageRecord, IterationRecord, UpdateRecord } from '../../src'
import { answerFields } from '../../src/record/answer-fields'
import type { FieldValues } from '../../src/record/field'
import { phases } from '../../src/record/phases'
import { questionFields } from '../../src/record/question-fields'
import { updateFields } from '../../src/record/update-fields'
import { voteFields } from '../../src/record/vote-fields'
import { proposerRewards, solverRewards } from '../../src/reward-rules'

type Table = Readonly<Record<string, object>>

/** One value for each row of a table. */
function perRow<T extends Table, V>(table: T, of: (row: object) => V): Record<keyof T, V> {
  return Object.fromEntries(Object.entries(table).map(([name, row]) => [name, of(row)])) as Record<keyof T, V>
}

const isNumber = (row: object) => 'measure' in row
const plainValues = <F extends Table>(fields: F) =>
  perRow(fields, (row) => (isNumber(row) ? 0 : null)) as FieldValues<F>

/** What the parts of a record are where nothing is said of a field: every number is 0, and no reward was earned. */
export const plain = {
  update: plainValues(updateFields),
  answer: plainValues(answerFields),
  image: { ...plainValues(questionFields), ...plainValues(voteFields) },
  seconds: { total: 0, ...perRow(phases, () => 0) },
  solverRewards: perRow(solverRewards, () => null),
  proposerRewards: perRow(proposerRewards, () => null),
}

// A negative zero is read back as 0.
const number = fc.double().map((x) => (x === 0 ? 0 : x))
const maybe = fc.option(number)
const count = fc.nat(1e6)
const text = fc.string({
  unit: fc.oneof(fc.constantFrom('\n', '\u2028', '"', '\ud800', '<', '0'), fc.string()),
})
const answerText = fc.option(
  fc.oneof(
    fc.constantFrom('12', '3', '__proto__', 'constructor', 'a'),
    text.filter((t) => t !== ''),
  ),
)
/** Any number or text, or nothing, for each field. */
const anyValues = <F extends Table>(fields: F) =>
  perRow(fields, (row) => (isNumber(row) ? maybe : fc.option(text))) as {
    [N in keyof F]: fc.Arbitrary<FieldValues<F>[N]>
  }

const answer: fc.Arbitrary<AnswerRecord> = fc.record({
  ...anyValues(answerFields),
  text,
  raw: answerText,
  answer: answerText,
  wordsBefore: count,
  tokens: count,
  finishReason: fc.constantFrom('stop', 'length'),
  rewards: fc.record(perRow(solverRewards, () => maybe)),
})

const image: fc.Arbitrary<ImageRecord> = fc
  .record({
    ...anyValues(questionFields),
    ...anyValues(voteFields),
    path: text,
    relativePath: text,
    epoch: count,
    proposerText: text,
    proposerTokens: count,
    faults: fc.subarray(['empty', 'repeated-tag', 'too-long'] as const),
    rejected: fc.constantFrom(null, 'malformed', 'unlikely'),
    answers: fc.array(answer, { maxLength: 6 }),
    majority: answerText,
    majorityCount: count,
    agreement: number,
    proposerRewards: fc.record(perRow(proposerRewards, () => maybe)),
  })
  .map((parts) => ({ ...parts, histogram: histogramOf(parts.answers) }))

function histogramOf(answers: readonly AnswerRecord[]): ImageRecord['histogram'] {
  return answers.length === 0 ? [] : groupStatistics(answers.map(({ answer }) => answer)).histogram
}

const update: fc.Arbitrary<UpdateRecord> = fc.record({
  ...anyValues(updateFields),
  updates: count,
  completions: count,
  beta: number,
  nextBeta: number,
  skippedSteps: count,
  learningRate: number,
  dropout: number,
})

const iteration = fc.record({
  images: fc.array(image, { minLength: 1, maxLength: 3 }),
  solver: fc.option(update),
  proposer: fc.option(update),
  watch: fc.record({
    topAnswerShare: maybe,
    startTopAnswerShare: maybe,
    alarms: fc.subarray(['entropy', 'kl', 'constant-answers'] as const),
  }),
  probe: fc.option(fc.dictionary(fc.oneof(text, fc.constantFrom('acc', '__proto__')), number)),
  seconds: fc.record({ total: number, ...perRow(phases, () => number) }),
})

/** Any records, of steps from 1. */
export const anyRecords: fc.Arbitrary<IterationRecord[]> = fc
  .array(iteration, { maxLength: 6 })
  .map((all) => all.map((parts, i) => ({ step: i + 1, ...parts })))

/** What an iteration might be: five answers ("7", "7", nothing, "8", "7") to one question about each image. */
export function record(step: number, { images = 1 }: { images?: number } = {}): IterationRecord {
  return {
    step,
    images: Array.from({ length: images }, (_, i) => plausibleImage(step, i)),
    solver: plausibleUpdate(step, 0.25),
    proposer: step % 5 === 0 ? plausibleUpdate(step / 5, 0.125) : null,
    watch: { topAnswerShare: step > 8 ? 0.75 : null, startTopAnswerShare: null, alarms: [] },
    probe: null,
    seconds: { ...plain.seconds, total: 2.5, encode: 0.25, propose: 0.5, solve: 0.75, learn: 1 },
  }
}

const votes = ['7', '7', null, '8', '7']

function plausibleImage(step: number, i: number): ImageRecord {
  const answers = votes.map((vote, n): AnswerRecord => {
    const discrete = vote === '7' ? 1 : 0
    return {
      ...plain.answer,
      text: vote === null ? '' : `I count them. <answer>${vote}</answer>`,
      raw: vote,
      answer: vote,
      wordsBefore: vote === null ? 0 : 3,
      tokens: 4 + n,
      finishReason: n === 4 ? 'length' : 'stop',
      rewards: { ...plain.solverRewards, continuous: discrete * 0.75, discrete },
      reward: discrete * 0.75,
      advantage: discrete * 0.75 - 0.5,
    }
  })
  return {
    ...plain.image,
    path: `/data/images/${step}-${i}.png`,
    relativePath: `${step}-${i}.png`,
    epoch: 0,
    proposerText: `<rationale>bars</rationale><question>How many bars (${step})?</question>`,
    proposerTokens: 11,
    question: `How many bars (${step})?`,
    faults: [],
    rejected: null,
    questionLogProbability: -1.5,
    answers,
    histogram: histogramOf(answers),
    majority: '7',
    majorityCount: 3,
    agreement: 0.6,
    entropy: 0.9502705392332347,
    proposerRewards: { ...plain.proposerRewards, continuous: 0.875, discrete: 0 },
    proposerReward: 0.875,
    proposerAdvantage: 0.375,
  }
}

function plausibleUpdate(updates: number, reward: number): UpdateRecord {
  return {
    ...plain.update,
    updates,
    completions: 5,
    ce: 1.25,
    kl: 0.015625,
    beta: 0.001,
    nextBeta: 0.00109375,
    entropy: 0.5,
    baseline: 0.5,
    rewardMean: reward,
    rewardStd: 0.375,
    advantageMean: reward - 0.5,
    gradientNorm: 2,
    learningRate: 1e-6,
    samplerGap: 1e-6,
  }
}
