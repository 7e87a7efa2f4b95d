/** Functions of one's own that settings may be. */
import type { Answer, ProposerSample, SolverSample } from '@evolmm/rewards'

/** A reward over all answers of an iteration, now or later; `null` is for an answer that shall not count. */
export type SolverReward = (batch: readonly GradedAnswer[]) => (number | null)[] | Promise<(number | null)[]>

export interface GradedAnswer extends SolverSample {
  step: number
  /** Path of the image from the root of the data. */
  image: string
  question: string
  /** The whole text of the completion. */
  text: string
}

/** A reward over all questions of an iteration, now or later; `null` is for a question that shall not count. */
export type ProposerReward = (
  batch: readonly GradedQuestion[],
) => (number | null)[] | Promise<(number | null)[]>

/** A question with what became of it; one that was rejected has no answers. */
export interface GradedQuestion extends ProposerSample {
  step: number
  /** Path of the image from the root of the data. */
  image: string
  /** The whole text of the completion. */
  text: string
  /** Why it was not asked, or `null` if it was. */
  rejected: 'malformed' | 'unlikely' | null
  /** Mean over the output's tokens under the start proposer, in nats. */
  logProbability: number
  /** The answers as the solver wrote them, with what each of them earned. */
  graded: readonly (GradedAnswer & { reward: number | null })[]
}

/** Answers for which it returns the same are the same; `null` is for what is no answer. */
export type Normalizer = (answer: Answer) => Answer

/** What the solver is asked about a question. */
export type SolverPrompt = (about: { question: string; image: string; step: number }) => string

/** What the proposer is asked about an image, which is named by its path from the root of the data. */
export type ProposerPrompt = (about: { image: string; step: number }) => string
