/** Slices, gathers and scatters. */
import { int, string } from '../graph/attribute'
import type { Tensor } from '../graph/graph'
import { integers, op, type Integers } from './operands'

/** Entries `indices` along one axis. */
export function Gather(x: Tensor, indices: Tensor, { axis = 0 }: { axis?: number } = {}): Tensor {
  return op('Gather', [x, indices], { attributes: { axis: int(axis) } })
}

export function GatherElements(x: Tensor, indices: Tensor, { axis = 0 }: { axis?: number } = {}): Tensor {
  return op('GatherElements', [x, indices], { attributes: { axis: int(axis) } })
}

export type Reduction = 'none' | 'add' | 'mul' | 'max' | 'min'

/** `x` with `updates` put, or combined by `reduction`, where `indices` say along one axis. */
export function ScatterElements(
  x: Tensor,
  indices: Tensor,
  updates: Tensor,
  { axis = 0, reduction = 'none' }: { axis?: number; reduction?: Reduction } = {},
): Tensor {
  return op('ScatterElements', [x, indices, updates], {
    attributes: { axis: int(axis), reduction: string(reduction) },
  })
}

/** `x` with the slices that `indices` [..., depth] point at replaced by, or combined with, `updates`. */
export function ScatterND(
  x: Tensor,
  indices: Tensor,
  updates: Tensor,
  { reduction = 'none' }: { reduction?: Reduction } = {},
): Tensor {
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
  const { graph } = x.scope
  const inputs = [starts, ends, axes, steps].map((list) => integers(graph, list))
  return op('Slice', [x, ...inputs])
}
