/** What is trained on top of a model, as one vector with a table of what lies where. */
import { EvolmmError } from '@evolmm/internal'
import type { Trainable } from '../programs/trainable'

/** Trained tensors as one vector, with what they belong to. */
export interface Adapter {
  trainable: Trainable
  /** [trainable.layout.size]; update it in place. */
  parameters: Float32Array
  /** Share of the inputs of LoRA modules that the learning pass drops. */
  dropout: number
  /** Modules with LoRA, or weights trained as a whole, that were asked for and found. */
  matched: readonly string[]
  /** Targets that matched nothing. */
  unmatched: readonly string[]
}

/** The tensor of that name in the layout, as a view of the parameters. */
export function parameterView({ trainable, parameters }: Adapter, name: string): Float32Array {
  const { size, entries } = trainable.layout
  const entry = entries.find((each) => each.name === name)
  if (entry === undefined || parameters.length !== size)
    throw new EvolmmError(
      'INVALID_ADAPTER',
      `adapter: must have ${size} parameters, ${name} among them, got ${parameters.length}; pass an adapter as it was made`,
      { details: { name, size, length: parameters.length } },
    )
  const count = entry.shape.reduce((product, dim) => product * dim, 1)
  return parameters.subarray(entry.offset, entry.offset + count)
}
