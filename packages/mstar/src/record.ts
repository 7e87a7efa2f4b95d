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
  /** Some of its questions with what became of their answers, with its first step; null in others, and missing in earlier logs. */
  examples?: readonly ExampleRecord[] | null
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

/** A question of a cycle with some of its answers, for people to look at: texts are cut, so that a log stays small. */
export interface ExampleRecord {
  /** The number of the question in its file. */
  question: number
  /** True for a question of the file `unlabelled`. */
  isFurther: boolean
  /** The path of its first image; null for an image that is in no file of its own. */
  image: string | null
  text: string
  /** The right answer, or what is taken for it; null for none. */
  answer: string | null
  /** True where that is what the answers vote for. */
  isVoted: boolean
  kept: ExampleAnswers
  /** Right answers that the selection did not keep. */
  left: ExampleAnswers
  wrong: ExampleAnswers
}

/** Answers of which the same became. */
export interface ExampleAnswers {
  drawn: number
  distinct: number
  /** Those that were drawn most often. */
  answers: readonly ExampleAnswer[]
}

export interface ExampleAnswer {
  /** What it says in the end; null for what cannot be read. */
  reading: string | null
  count: number
  steps: readonly { text: string; score: number | null }[]
  /** Steps that are left out before the last one. */
  leftOut: number
}
