/** Tensors from shapes and conditions. */
import { checkNames } from '@evolmm/internal'
import { int } from '../graph/attribute'
import { dtypeCode, type DType } from '../graph/dtype'
import { graphOf } from './emit'
import { isTensor, type Tensor } from '../graph/graph'
import { tensorData, type TensorData } from '../graph/tensor-data'
import { integers, lengths, op } from './operands'

/** A tensor of the given shape filled with `value`, a constant or data of one element (0 in float32 without it). */
export function ConstantOfShape(shape: Tensor, value?: Tensor | TensorData): Tensor {
  const data = isTensor(value) ? value.data : value
  return op(
    'ConstantOfShape',
    [shape],
    data === undefined ? {} : { attributes: { value: { type: 'tensor', value: data } } },
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

/** A matrix in the shape of `x` with ones on the `k`-th diagonal and zeros elsewhere. */
export function EyeLike(x: Tensor, options: { dtype?: DType; k?: number } = {}): Tensor {
  checkNames('EyeLike', options, { dtype: true, k: true })
  const { dtype, k = 0 } = options
  graphOf('EyeLike', [x])
  return op('EyeLike', [x], { attributes: { dtype: int(dtypeCode(dtype ?? x.dtype)), k: int(k) } })
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
  const graph = graphOf('ConstantOfShape', [x])
  return ConstantOfShape(integers(graph, lengths(x)), tensorData(x.dtype, [1], [value]))
}
