/** What a policy answered to a question: each distinct answer once. */
import type { Answer } from '@evolmm/rewards'

export interface RolledAnswer {
  /** The tokens, the stop token included if there was one. */
  ids: Int32Array
  /** The text without special tokens. */
  text: string
  /** The log-probability of each token under the policy that wrote it, at temperature 1. */
  logProbabilities: Float32Array
  /** The number of times that it was drawn. */
  count: number
  /** What the final answer says; `INVALID` for what cannot be read, or did not end. */
  reading: Answer
  /** False for what cannot be read or did not end; null when nobody knows the right answer. */
  right: boolean | null
  /** What a reward model says of each step; null where none has looked at it. */
  steps: readonly number[] | null
}

export interface Rollout {
  /** The number of the question in its data set. */
  question: number
  answers: readonly RolledAnswer[]
}
