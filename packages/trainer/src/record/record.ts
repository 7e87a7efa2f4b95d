/**
 * What one iteration was: plain data, the same for a run that was never interrupted and one that was resumed, `seconds`
 * apart. `null` stands for what was not measured.
 */
import type { Answer, QuestionFault } from '@evolmm/rewards'
import type { WatchRecord } from '@evolmm/rl-core'
import type { Role } from '../role'
import type { PhaseSeconds } from './phases'
import type { UpdateRecord } from './update-fields'

/** An iteration. The update of a role is `null` in one without it, or when nothing was there to learn from. */
export interface IterationRecord extends Record<Role, UpdateRecord | null> {
  /** The number of the iteration, from 1. */
  step: number
  /** One for each image of the iteration, in the order of the dataset. */
  images: ImageRecord[]
  /** Signs of collapse that need no labels. */
  watch: WatchRecord
  /** Numbers of the evaluation probe, in iterations that ran it. */
  probe: Record<string, number> | null
  seconds: PhaseSeconds
}

/** One image, one question, N answers. */
export interface ImageRecord {
  /** Absolute. */
  path: string
  /** The path from the root of the data, separated by "/". */
  relativePath: string
  epoch: number
  /** The proposer's output, markup included. */
  proposerText: string
  proposerTokens: number
  /** What was asked, or what was `rejected`; `null` when there was nothing to ask. */
  question: string | null
  /** What is wrong with the form of the output, whether or not it was asked. */
  faults: QuestionFault[]
  /** Why the solver was not asked, or `null` if it was. Nothing is known of an image that could not be decoded. */
  rejected: 'unreadable' | 'malformed' | 'unlikely' | null
  /** Mean log-probability of the proposer's tokens under the start proposer, in nats. */
  questionLogProbability: number | null
  /** N of them, or none for a question that was rejected. */
  answers: AnswerRecord[]
  /** Distinct answers and how many gave them, in the order of first appearance; `null` is invalid. */
  histogram: { answer: Answer; count: number }[]
  majority: Answer
  majorityCount: number
  /** Share of the N answers that are the majority; 0 without answers. */
  agreement: number
  /** The entropy of the answers, in nats; `null` without answers. */
  entropy: number | null
  /** What the question earns by either rule, whichever the proposer learns from; `null` without answers. */
  proposerRewards: { continuous: number | null; discrete: number | null }
  /** What the proposer's update used; `null` without an update. */
  proposerReward: number | null
  proposerAdvantage: number | null
}

export interface AnswerRecord {
  /** The solver's output. */
  text: string
  /** The answer as written in the tag; `null` is invalid. */
  raw: Answer
  /** Normalised, as it votes. */
  answer: Answer
  wordsBefore: number
  tokens: number
  finishReason: 'stop' | 'length'
  /** The rewards by either rule, whichever the solver learns from; `null` for an answer that was not scored. */
  rewards: { continuous: number | null; discrete: number | null }
  /** What the update used. */
  reward: number | null
  advantage: number | null
}
