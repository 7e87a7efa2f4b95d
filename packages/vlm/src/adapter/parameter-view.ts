/** One tensor of an adapter. */
import { countOf } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import type { Adapter } from './adapter'

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
  const count = countOf(entry.shape)
  return parameters.subarray(entry.offset, entry.offset + count)
}
