/** Tensors from shapes and conditions. */
import type { Tensor } from '../graph/graph'
import { integers, op, type Integers } from './operands'

/** A tensor of the given shape filled with `value`, a constant of one element (0 in float32 without it). */
export function ConstantOfShape(shape: Tensor, value?: Tensor): Tensor {
  return op(
    'ConstantOfShape',
    [shape],
    value?.data === undefined ? {} : { attributes: { value: { type: 'tensor', value: value.data } } },
  )
}

/** Indices of the elements that are not zero, int64 [rank, count]. */
export function NonZero(x: Tensor): Tensor {
  return op('NonZero', [x])
}

/** `start, start + delta, ...` to before `limit`; scalars of one type. */
export function Range(start: Tensor, limit: Tensor, delta: Tensor): Tensor {
  return op('Range', [start, limit, delta])
}

/** Zeros with the type and shape of `x`. */
export function zerosLike(x: Tensor): Tensor {
  return filledLike(x, 0)
}

/** Ones with the type and shape of `x`. */
export function onesLike(x: Tensor): Tensor {
  return filledLike(x, 1)
}

function filledLike(x: Tensor, value: number): Tensor {
  const { graph } = x.scope
  const shape: Integers | Tensor =
    x.shape?.every((dim) => typeof dim === 'number') === true ? (x.shape) : op('Shape', [x])
  return ConstantOfShape(integers(graph, shape), graph.constant(x.dtype, [1], [value]))
}
