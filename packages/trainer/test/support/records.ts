/** Records of iterations: any that can be, and a plausible one. */
import fc from 'fast-check'
import { groupStatistics } from '@evolmm/rewards'
import type { AnswerRecord, ImageRecord, IterationRecord, UpdateRecord } from '../../src'

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
const rewards = fc.record({ continuous: maybe, discrete: maybe })

const answer: fc.Arbitrary<AnswerRecord> = fc.record({
  text,
  raw: answerText,
  answer: answerText,
  wordsBefore: count,
  tokens: count,
  finishReason: fc.constantFrom('stop', 'length'),
  rewards,
  reward: maybe,
  advantage: maybe,
})

const image: fc.Arbitrary<ImageRecord> = fc
  .record({
    path: text,
    relativePath: text,
    epoch: count,
    proposerText: text,
    proposerTokens: count,
    question: fc.option(text),
    faults: fc.subarray(['empty', 'repeated-tag', 'too-long'] as const),
    rejected: fc.constantFrom(null, 'malformed', 'unlikely'),
    questionLogProbability: maybe,
    answers: fc.array(answer, { maxLength: 6 }),
    majority: answerText,
    majorityCount: count,
    agreement: number,
    entropy: maybe,
    proposerRewards: rewards,
    proposerReward: maybe,
    proposerAdvantage: maybe,
  })
  .map((parts) => ({ ...parts, histogram: histogramOf(parts.answers) }))

function histogramOf(answers: readonly AnswerRecord[]): ImageRecord['histogram'] {
  return answers.length === 0 ? [] : groupStatistics(answers.map(({ answer }) => answer)).histogram
}

const update: fc.Arbitrary<UpdateRecord> = fc.record({
  updates: count,
  completions: count,
  ce: maybe,
  kl: maybe,
  beta: number,
  nextBeta: number,
  entropy: maybe,
  baseline: maybe,
  rewardMean: maybe,
  rewardStd: maybe,
  advantageMean: maybe,
  gradientNorm: maybe,
  skippedSteps: count,
  learningRate: number,
  samplerGap: maybe,
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
  seconds: fc.record({
    total: number,
    encode: number,
    propose: number,
    solve: number,
    learn: number,
    probe: number,
  }),
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
    seconds: { total: 2.5, encode: 0.25, propose: 0.5, solve: 0.75, learn: 1, probe: 0 },
  }
}

const votes = ['7', '7', null, '8', '7']

function plausibleImage(step: number, i: number): ImageRecord {
  const answers = votes.map((vote, n): AnswerRecord => {
    const discrete = vote === '7' ? 1 : 0
    return {
      text: vote === null ? '' : `I count them. <answer>${vote}</answer>`,
      raw: vote,
      answer: vote,
      wordsBefore: vote === null ? 0 : 3,
      tokens: 4 + n,
      finishReason: n === 4 ? 'length' : 'stop',
      rewards: { continuous: discrete * 0.75, discrete },
      reward: discrete * 0.75,
      advantage: discrete * 0.75 - 0.5,
    }
  })
  return {
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
    proposerRewards: { continuous: 0.875, discrete: 0 },
    proposerReward: 0.875,
    proposerAdvantage: 0.375,
  }
}

function plausibleUpdate(updates: number, reward: number): UpdateRecord {
  return {
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
    skippedSteps: 0,
    learningRate: 1e-6,
    samplerGap: 1e-6,
    dropout: 0,
  }
}
