/** Reductions over axes; all axes when none are given. */
import { checkNames } from '@evolmm/internal'
import { int } from '../graph/attribute'
import { graphOf } from './emit'
import type { Tensor } from '../graph/graph'
import { integers, op, scalar, type Integers } from './operands'

export interface ReduceOptions {
  /** Keep reduced axes with length 1. @default 1 */
  keepdims?: 0 | 1
  /** What an empty list of axes means: reduce all (0) or none (1). @default 0 */
  noop_with_empty_axes?: 0 | 1
}

type Reduce = (x: Tensor, axes?: Integers, options?: ReduceOptions) => Tensor

const reduce =
  (opType: string): Reduce =>
  (x, axes, options = {}) => {
    checkNames(opType, options, { keepdims: true, noop_with_empty_axes: true })
    const { keepdims = 1, noop_with_empty_axes = 0 } = options
    return op(opType, [x, integers(graphOf(opType, [x]), axes)], {
      attributes: { keepdims: int(keepdims), noop_with_empty_axes: int(noop_with_empty_axes) },
    })
  }

export const ReduceSum = reduce('ReduceSum')
export const ReduceMean = reduce('ReduceMean')
export const ReduceMax = reduce('ReduceMax')
export const ReduceMin = reduce('ReduceMin')
export const ReduceProd = reduce('ReduceProd')
export const ReduceL1 = reduce('ReduceL1')
export const ReduceL2 = reduce('ReduceL2')
export const ReduceLogSum = reduce('ReduceLogSum')
export const ReduceLogSumExp = reduce('ReduceLogSumExp')
export const ReduceSumSquare = reduce('ReduceSumSquare')

export interface ArgOptions {
  /** @default 0 */
  axis?: number
  /** @default 1 */
  keepdims?: 0 | 1
  /** 1 takes the last of equal elements, 0 the first. @default 0 */
  select_last_index?: 0 | 1
}

const argument =
  (opType: string) =>
  (x: Tensor, options: ArgOptions = {}): Tensor => {
    checkNames(opType, options, { axis: true, keepdims: true, select_last_index: true })
    const { axis = 0, keepdims = 1, select_last_index = 0 } = options
    return op(opType, [x], {
      attributes: { axis: int(axis), keepdims: int(keepdims), select_last_index: int(select_last_index) },
    })
  }

export const ArgMax = argument('ArgMax')
export const ArgMin = argument('ArgMin')

/** Running sum along an axis. */
export function CumSum(
  x: Tensor,
  axis: number | Tensor,
  options: { exclusive?: 0 | 1; reverse?: 0 | 1 } = {},
): Tensor {
  checkNames('CumSum', options, { exclusive: true, reverse: true })
  const { exclusive = 0, reverse = 0 } = options
  return op('CumSum', [x, scalar(graphOf('CumSum', [x]), axis)], {
    attributes: { exclusive: int(exclusive), reverse: int(reverse) },
  })
}
