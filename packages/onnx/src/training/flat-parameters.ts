/**
 * All trainable tensors as one vector, with a table that says which is where. A program takes the vector, slices it,
 * and returns one gradient vector, so that optimizers, clipping and checkpoints know nothing of tensors.
 */
import { countOf } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { tensorsFrom } from '../ops/emit'
import { showTensor, type Tensor } from '../graph/graph'
import { checkShape, showShape, sizeOf } from '../graph/shape'
import { Slice } from '../ops/indexing'
import { Concat, Reshape } from '../ops/shaping'
import { checkOperands } from './check-operands'

export interface ParameterLayout {
  /** Length of the vector. */
  size: number
  entries: { name: string; offset: number; shape: readonly number[] }[]
}

/** A layout of the named tensors one after the other, without gaps. */
export function parameterLayout(shapes: Iterable<readonly [string, readonly number[]]>): ParameterLayout {
  const entries: ParameterLayout['entries'] = []
  const names = new Set<string>()
  let size = 0
  for (const [name, shape] of shapes) {
    if (names.has(name))
      throw new EvolmmError(
        'DUPLICATE_NAME',
        `parameterLayout: each name must be used once, got "${name}" again; rename one`,
      )
    names.add(name)
    checkShape(`parameterLayout: "${name}"`, shape)
    entries.push({ name, offset: size, shape })
    size += countOf(shape)
  }
  if (size === 0)
    throw new EvolmmError(
      'EMPTY_LAYOUT',
      'parameterLayout: there must be something to train, got no elements; name some tensors',
    )
  return { size, entries }
}

/** The tensors in `flat` [size], by name. One `Slice` each: a shader cannot take one wide `Split`. */
export function sliceParameters(flat: Tensor, { size, entries }: ParameterLayout): Map<string, Tensor> {
  checkOperands('sliceParameters', { flat: { tensor: flat, shape: ['size'] } })
  const length = sizeOf(flat.shape)
  if (flat.shape?.length !== 1 || (length !== undefined && length !== size))
    throw new EvolmmError(
      'SHAPE_MISMATCH',
      `sliceParameters: the vector must have the layout's ${size} elements, got ${showTensor(flat)}; feed all of them`,
    )
  return new Map(
    entries.map(({ name, offset, shape }) => {
      const end = offset + countOf(shape)
      return [name, Reshape(Slice(flat, [offset], [end]), shape)]
    }),
  )
}

/**
 * One vector from tensors in the order of the layout, such as
 * `flattenParameters(layout, grad(loss, [...sliced.values()]))`. It is put together in a tree, because a shader takes
 * some ten buffers at most.
 */
export function flattenParameters({ entries }: ParameterLayout, tensors: readonly Tensor[]): Tensor {
  if (tensorsFrom('flattenParameters: the tensors must be', tensors).length > entries.length)
    throw new EvolmmError(
      'SHAPE_MISMATCH',
      `flattenParameters: there must be ${entries.length} tensors, got ${tensors.length}; pass those of the layout`,
    )
  for (const [index, { name, shape }] of entries.entries()) {
    const given = tensors.at(index)
    if (given === undefined || given.shape?.join() !== shape.join())
      throw new EvolmmError(
        'SHAPE_MISMATCH',
        `flattenParameters: "${name}" must be ${showShape(shape)}, got ${given ? showTensor(given) : 'nothing'}; ` +
          'pass the tensors in the order of the layout',
      )
  }
  let parts = tensors.slice(0, entries.length).map((tensor) => Reshape(tensor, [-1]))
  while (parts.length > 1) {
    const joined: Tensor[] = []
    for (let i = 0; i < parts.length; i += fanIn) joined.push(Concat(parts.slice(i, i + fanIn), { axis: 0 }))
    parts = joined
  }
  const [flat] = parts
  return flat
}

const fanIn = 8
