/** What one optimizer step was, and of the first and the last step of a cycle what the cycle was: plain data. */
import type { SftRecord } from '@evolmm/sft'
import type { Dynamics } from './monitor'

export interface MstarRecord extends SftRecord {
  /** The cycle of Generate and Improve that the step belongs to, from 1. */
  cycle: number
  /** The temperature of the answers that are learned. */
  temperature: number
  /** The score above which answers of the cycle are kept; null for other selections, and missing in earlier logs. */
  alpha?: number | null
  /** What was generated for the cycle, with its first step; null in others. */
  generated: GeneratedRecord | null
  /** What was found on validation questions, with the last step of a cycle; null in others. */
  dynamics: DynamicsRecord | null
  /** The sweep has Reward-Pass@2 by temperature, with the first step of a cycle that chose one; null in others. */
  sweep: readonly { temperature: number; score: number }[] | null
  /** Wall time in seconds of what went before the step and after it. */
  phases: Readonly<Record<'generate' | 'monitor' | 'sweep', number>>
}

/** What needs scores is null without a reward model. */
export interface DynamicsRecord extends Omit<Dynamics, 'pass' | 'rewardPass2' | 'weightedMajority'> {
  /** The names are the values of k of pass@k. */
  pass: Readonly<Record<string, number>>
  rewardPass2: number | null
  weightedMajority: number | null
  /**
   * Largest distance between the log-probabilities that sampling said of some answers and those that scoring gives: rounding,
   * or a bug. Null where none was compared; logs of before it was measured lack it.
   */
  samplerGap?: number | null
}

export interface GeneratedRecord {
  questions: number
  /** Answers that were drawn, and distinct ones of them. */
  answers: number
  distinct: number
  /** Shares of the answers that were drawn. */
  right: number
  unreadable: number
  /** Distinct answers that are learned. */
  kept: number
  /** Questions of which something is learned. */
  useful: number
}
