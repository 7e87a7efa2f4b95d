/**
 * A reward is a plain function over a batch: one number for each sample, or `null` to skip the sample.
 *
 * Nothing else is needed to write one. It sees the whole batch because agreement is a property of a group.
 */
import type { Answer } from '../answer'
import type { ParsedQuestion } from '../parse/parse-question'

export type Reward<Sample> = (batch: readonly Sample[]) => (number | null)[]

/** One answer of the solver. */
export interface SolverSample {
  /** The normalised answer, `null` where the output has none. */
  answer: Answer
  /** Words written before the answer. */
  words: number
  /** True if the output has the form that the prompt asks for. */
  wellFormed: boolean
  /** Answers to one question share a group; a batch without groups is one group. */
  group?: string | number
}

/** One question of the proposer. */
export interface ProposerSample extends ParsedQuestion {
  /** The solver's normalised answers to it; empty when it was never asked. */
  answers: readonly Answer[]
  /** Questions asked before that it should not repeat. @default none */
  previousQuestions?: readonly string[]
}
