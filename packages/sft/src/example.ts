/** What is learned: images with any number of questions about them, packed into one sequence. */
import type { ImageSource, ScoredCompletion } from '@evolmm/vlm'

export interface SftExample {
  /** The images in the order in which the questions see them. */
  images: readonly ImageSource[]
  /** Questions with the completions to learn. */
  turns: readonly SftTurn[]
  /** The message that comes before each question. @default that of the chat template */
  system?: string | undefined
}

export interface SftTurn {
  prompt: string
  /** A text, which the end of the turn is added to, or tokens as they were sampled. */
  completion: string | Pick<ScoredCompletion, 'ids' | 'logProbabilities'>
  /** What each step of the completion is worth, in their order; a value head alone learns it. @default none */
  steps?: readonly StepValue[] | undefined
}

/** A step of a completion, with what it is worth. */
export interface StepValue {
  /** The place in the completion's text at which the step ends. */
  end: number
  value: number
}
