/**
 * What one iteration was: plain data, the same for a run that was never interrupted and one that was resumed, `seconds`
 * apart. `null` stands for what was not measured.
 */
import type { Answer } from '@evolmm/rewards'
import type { WatchRecord } from '@evolmm/rl-core'
import type { ProposerRewards, SolverRewards } from '../reward-rules'
import type { Role } from '../role'
import type { AnswerValues } from './answer-fields'
import type { PhaseSeconds } from './phases'
import type { QuestionValues } from './question-fields'
import type { UpdateRecord } from './update-fields'
import type { VoteValues } from './vote-fields'

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
export interface ImageRecord extends QuestionValues, VoteValues {
  /** N of them, or none for a question that was rejected. */
  answers: AnswerRecord[]
  /** Distinct answers and how many gave them, in the order of first appearance; `null` is invalid. */
  histogram: { answer: Answer; count: number }[]
  /** What the question earns by each reward, whichever the proposer learns from; `null` without answers. */
  proposerRewards: ProposerRewards
}

export interface AnswerRecord extends AnswerValues {
  /** What the answer earns by each reward, whichever the solver learns from; `null` for one that was not scored. */
  rewards: SolverRewards
}
