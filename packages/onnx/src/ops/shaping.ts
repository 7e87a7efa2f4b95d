/** Operators that rearrange, and those that speak of shapes. */
import { int, ints } from '../graph/attribute'
import type { Tensor } from '../graph/graph'
import { integers, op, type Integers } from './operands'

/** -1 once: whatever is left. 0 copies the dimension, unless `allowzero` is 1. */
export function Reshape(x: Tensor, shape: Integers, { allowzero = 0 }: { allowzero?: 0 | 1 } = {}): Tensor {
  return op('Reshape', [x, integers(x.scope.graph, shape)], { attributes: { allowzero: int(allowzero) } })
}

/** Axes in the order of `perm`; reversed without it. */
export function Transpose(x: Tensor, { perm }: { perm?: readonly number[] } = {}): Tensor {
  return op('Transpose', [x], perm === undefined ? {} : { attributes: { perm: ints(perm) } })
}

export function Squeeze(x: Tensor, axes?: Integers): Tensor {
  return op('Squeeze', [x, integers(x.scope.graph, axes)])
}

/** New axes of length 1, numbered as in the result. */
export function Unsqueeze(x: Tensor, axes: Integers): Tensor {
  return op('Unsqueeze', [x, integers(x.scope.graph, axes)])
}

/** A matrix: the axes before `axis`, and the rest. */
export function Flatten(x: Tensor, { axis = 1 }: { axis?: number } = {}): Tensor {
  return op('Flatten', [x], { attributes: { axis: int(axis) } })
}

export function Concat(inputs: readonly Tensor[], { axis }: { axis: number }): Tensor {
  return op('Concat', inputs, { attributes: { axis: int(axis) } })
}

/** Broadcast to a shape; 1 keeps the own length. */
export function Expand(x: Tensor, shape: Integers): Tensor {
  return op('Expand', [x, integers(x.scope.graph, shape)])
}

/** Lengths of the axes from `start` to before `end`, as an int64 vector. */
export function Shape(x: Tensor, { start = 0, end }: { start?: number; end?: number } = {}): Tensor {
  return op('Shape', [x], {
    attributes: end === undefined ? { start: int(start) } : { start: int(start), end: int(end) },
  })
}

/** Number of elements, as an int64 scalar. */
export function Size(x: Tensor): Tensor {
  return op('Size', [x])
}
