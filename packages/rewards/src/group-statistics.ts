/** What a group of answers to one question says: who was chosen, by how many, and how divided the group is. */
import { checkList, checkNames } from '@evolmm/internal'
import { EvolmmError } from './errors'
import { INVALID, nonEmpty, type Answer } from './answer'

export interface GroupStatistics {
  /** N, invalid answers included. */
  total: number
  /** The number of answers that are invalid. */
  invalid: number
  /** Each distinct answer with its count, in the order of first appearance; `INVALID` is one of them if it occurs. */
  histogram: { answer: Answer; count: number }[]
  /** The most frequent answer, the first seen on a tie; `INVALID` when no answer may win. */
  majority: Answer
  majorityCount: number
  /** `majorityCount / total`. */
  agreement: number
  /** Entropy of the histogram in nats, from 0 to ln N; all invalid answers are one outcome. */
  entropy: number
}

export interface VoteOptions {
  /**
   * Let invalid answers win a vote and agree with each other, as the released code does with its `unknown`.
   * @default false
   */
  invalidVotes?: boolean
}

/** Statistics of normalised answers; at least one. */
export function groupStatistics(answers: readonly Answer[], options: VoteOptions = {}): GroupStatistics {
  checkNames('groupStatistics', options, { invalidVotes: true })
  checkList('answers', answers)
  if (answers.length === 0) {
    throw new EvolmmError(
      'EMPTY_GROUP',
      'groupStatistics: a group must hold at least one answer, got 0; skip such groups',
    )
  }
  const counts = new Map<Answer, number>()
  for (const given of answers) {
    const answer = nonEmpty(given, 'groupStatistics: an answer')
    counts.set(answer, (counts.get(answer) ?? 0) + 1)
  }

  let majority: Answer = INVALID
  let majorityCount = 0
  let entropy = 0
  for (const [answer, count] of counts) {
    const share = count / answers.length
    if (share < 1) entropy -= share * Math.log(share)
    if (count > majorityCount && (answer !== INVALID || options.invalidVotes === true)) {
      majority = answer
      majorityCount = count
    }
  }
  return {
    total: answers.length,
    invalid: counts.get(INVALID) ?? 0,
    histogram: [...counts].map(([answer, count]) => ({ answer, count })),
    majority,
    majorityCount,
    agreement: majorityCount / answers.length,
    entropy,
  }
}
