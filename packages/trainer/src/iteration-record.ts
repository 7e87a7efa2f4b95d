/** What became of each image of an iteration, as plain data. */
import type { Sample } from '@evolmm/dataset'
import type { Advantages } from '@evolmm/rl-core'
import type { Proposal } from './propose'
import type { AnswerRecord, ImageRecord } from './record'
import type { Solved } from './solve'

export interface Learned {
  /** For each question that was answered, for each answer. */
  solver: Advantages | undefined
  /** For each proposal. */
  proposer: { rewards: readonly (number | null)[]; advantages: Advantages } | null
}

export function iterationRecord(
  samples: readonly Sample[],
  proposals: readonly Proposal[],
  solved: readonly Solved[],
  learned: Learned,
): ImageRecord[] {
  return samples.map((sample) => {
    const p = proposals.findIndex((proposal) => proposal.sample === sample)
    const s = solved.findIndex(({ proposal }) => proposal.sample === sample)
    return {
      path: sample.path,
      relativePath: sample.relativePath,
      epoch: sample.epoch,
      ...(p < 0 ? unreadable : asked(proposals[p])),
      ...(s < 0 ? unanswered : answered(solved[s], learned.solver?.[s])),
      proposerReward: learned.proposer?.rewards[p] ?? null,
      proposerAdvantage: learned.proposer?.advantages[p]?.[0] ?? null,
    }
  })
}

const unreadable = {
  proposerText: '',
  proposerTokens: 0,
  question: null,
  faults: [],
  rejected: 'unreadable',
  questionLogProbability: null,
} satisfies Partial<ImageRecord>

const unanswered = {
  answers: [],
  histogram: [],
  majority: null,
  majorityCount: 0,
  agreement: 0,
  entropy: null,
  proposerRewards: { continuous: null, discrete: null },
} satisfies Partial<ImageRecord>

function asked({ completion, parsed, question, rejected, logProbability }: Proposal) {
  return {
    proposerText: completion.text,
    proposerTokens: completion.ids.length,
    question,
    faults: parsed.faults,
    rejected,
    questionLogProbability: logProbability,
  } satisfies Partial<ImageRecord>
}

function answered(solved: Solved, advantages: readonly (number | null)[] | undefined) {
  const { completions, graded, raw, rewards, used, statistics, proposerRewards } = solved
  const { histogram, majority, majorityCount, agreement, entropy } = statistics
  const answers = completions.map(({ text, ids, finishReason }, n): AnswerRecord => ({
    text,
    raw: raw[n],
    answer: graded[n].answer,
    wordsBefore: graded[n].words,
    tokens: ids.length,
    finishReason,
    rewards: rewards[n],
    reward: used[n],
    advantage: advantages?.[n] ?? null,
  }))
  return {
    answers,
    histogram,
    majority,
    majorityCount,
    agreement,
    entropy,
    proposerRewards,
  } satisfies Partial<ImageRecord>
}
