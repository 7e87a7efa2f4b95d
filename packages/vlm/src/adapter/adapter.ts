/** What is trained: tensors as one vector, with what they belong to. */
import type { Trainable } from '../programs/trainable'

export interface Adapter {
  trainable: Trainable
  /** [trainable.layout.size]; update it in place. */
  parameters: Float32Array
  /** Share of the inputs of LoRA modules that the learning pass drops. */
  dropout: number
  /** What was asked for and found. */
  matched: readonly string[]
  /** Targets that matched no module. */
  unmatched: readonly string[]
}
