/** Softmax and normalisations. */
import { int } from '../graph/attribute'
import type { Tensor } from '../graph/graph'
import { op } from './operands'

export function Softmax(x: Tensor, { axis = -1 }: { axis?: number } = {}): Tensor {
  return op('Softmax', [x], { attributes: { axis: int(axis) } })
}

export function LogSoftmax(x: Tensor, { axis = -1 }: { axis?: number } = {}): Tensor {
  return op('LogSoftmax', [x], { attributes: { axis: int(axis) } })
}
