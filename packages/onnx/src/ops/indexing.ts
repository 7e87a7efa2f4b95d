/** Slices, gathers and scatters. */
import { checkNames } from '@evolmm/internal'
import { int, string } from '../graph/attribute'
import { emit, graphOf } from './emit'
import type { Tensor } from '../graph/graph'
import { integers, op, scalar, type Integers } from './operands'

/** Entries `indices` along one axis. */
export function Gather(x: Tensor, indices: Tensor, options: { axis?: number } = {}): Tensor {
  checkNames('Gather', options, { axis: true })
  const { axis = 0 } = options
  return op('Gather', [x, indices], { attributes: { axis: int(axis) } })
}

export function GatherElements(x: Tensor, indices: Tensor, options: { axis?: number } = {}): Tensor {
  checkNames('GatherElements', options, { axis: true })
  const { axis = 0 } = options
  return op('GatherElements', [x, indices], { attributes: { axis: int(axis) } })
}

/** The slices that `indices` [..., depth] point at; the first `batch_dims` axes go together. */
export function GatherND(x: Tensor, indices: Tensor, options: { batch_dims?: number } = {}): Tensor {
  checkNames('GatherND', options, { batch_dims: true })
  const { batch_dims = 0 } = options
  return op('GatherND', [x, indices], { attributes: { batch_dims: int(batch_dims) } })
}

export type Reduction = 'none' | 'add' | 'mul' | 'max' | 'min'

/** `x` with `updates` put, or combined by `reduction`, where `indices` say along one axis. */
export function ScatterElements(
  x: Tensor,
  indices: Tensor,
  updates: Tensor,
  options: { axis?: number; reduction?: Reduction } = {},
): Tensor {
  checkNames('ScatterElements', options, { axis: true, reduction: true })
  const { axis = 0, reduction = 'none' } = options
  return op('ScatterElements', [x, indices, updates], {
    attributes: { axis: int(axis), reduction: string(reduction) },
  })
}

/** `x` with the slices that `indices` [..., depth] point at replaced by, or combined with, `updates`. */
export function ScatterND(
  x: Tensor,
  indices: Tensor,
  updates: Tensor,
  options: { reduction?: Reduction } = {},
): Tensor {
  checkNames('ScatterND', options, { reduction: true })
  const { reduction = 'none' } = options
  return op('ScatterND', [x, indices, updates], { attributes: { reduction: string(reduction) } })
}

/** `x[starts:ends:steps]` along `axes` (the first ones without it). */
export function Slice(
  x: Tensor,
  starts: Integers,
  ends: Integers,
  axes?: Integers,
  steps?: Integers,
): Tensor {
  const graph = graphOf('Slice', [x])
  const inputs = [starts, ends, axes, steps].map((list) => integers(graph, list))
  return op('Slice', [x, ...inputs])
}

export interface TopKOptions {
  /** @default -1 */
  axis?: number
  /** The largest (1) or the smallest (0). @default 1 */
  largest?: 0 | 1
  /** 1 gives the values in order. @default 1 */
  sorted?: 0 | 1
}

/** The `k` largest elements along an axis, and where they were. */
export function TopK(
  x: Tensor,
  k: number | Tensor,
  options: TopKOptions = {},
): [values: Tensor, indices: Tensor] {
  checkNames('TopK', options, { axis: true, largest: true, sorted: true })
  const { axis = -1, largest = 1, sorted = 1 } = options
  const graph = graphOf('TopK', [x])
  const [values, indices] = emit(graph, 'TopK', [x, integers(graph, typeof k === 'number' ? [k] : k)], {
    attributes: { axis: int(axis), largest: int(largest), sorted: int(sorted) },
  })
  return [values, indices]
}

/** A new axis of length `depth` with `values[1]` where `indices` say and `values[0]` elsewhere. */
export function OneHot(
  indices: Tensor,
  depth: number | Tensor,
  values: Tensor,
  options: { axis?: number } = {},
): Tensor {
  checkNames('OneHot', options, { axis: true })
  const { axis = -1 } = options
  return op('OneHot', [indices, scalar(graphOf('OneHot', [indices]), depth), values], {
    attributes: { axis: int(axis) },
  })
}
