/** Operators that rearrange, and those that speak of shapes. */
import { checkNames } from '@evolmm/internal'
import { int, ints, string } from '../graph/attribute'
import { emit, graphOf, type Operand } from './emit'
import { isTensor, type Graph, type Tensor } from '../graph/graph'
import { integersOf } from '../graph/tensor-data'
import { integers, op, scalar, type Integers } from './operands'

/** -1 once: whatever is left. 0 copies the dimension, unless `allowzero` is 1. */
export function Reshape(x: Tensor, shape: Integers, options: { allowzero?: 0 | 1 } = {}): Tensor {
  checkNames('Reshape', options, { allowzero: true })
  const { allowzero = 0 } = options
  return op('Reshape', [x, integers(graphOf('Reshape', [x]), shape)], {
    attributes: { allowzero: int(allowzero) },
  })
}

/** Axes in the order of `perm`; reversed without it. */
export function Transpose(x: Tensor, options: { perm?: readonly number[] } = {}): Tensor {
  checkNames('Transpose', options, { perm: true })
  const { perm } = options
  return op('Transpose', [x], perm === undefined ? {} : { attributes: { perm: ints(perm) } })
}

export function Squeeze(x: Tensor, axes?: Integers): Tensor {
  return op('Squeeze', [x, integers(graphOf('Squeeze', [x]), axes)])
}

/** New axes of length 1, numbered as in the result. */
export function Unsqueeze(x: Tensor, axes: Integers): Tensor {
  return op('Unsqueeze', [x, integers(graphOf('Unsqueeze', [x]), axes)])
}

/** A matrix: the axes before `axis`, and the rest. */
export function Flatten(x: Tensor, options: { axis?: number } = {}): Tensor {
  checkNames('Flatten', options, { axis: true })
  const { axis = 1 } = options
  return op('Flatten', [x], { attributes: { axis: int(axis) } })
}

export function Concat(inputs: readonly Tensor[], options: { axis: number }): Tensor {
  checkNames('Concat', options, { axis: true })
  const { axis } = options
  return op('Concat', inputs, { attributes: { axis: int(axis) } })
}

/** Broadcast to a shape; 1 keeps the own length. */
export function Expand(x: Tensor, shape: Integers): Tensor {
  return op('Expand', [x, integers(graphOf('Expand', [x]), shape)])
}

/** Lengths of the axes from `start` to before `end`, as an int64 vector. */
export function Shape(x: Tensor, options: { start?: number; end?: number } = {}): Tensor {
  checkNames('Shape', options, { start: true, end: true })
  const { start = 0, end } = options
  return op('Shape', [x], {
    attributes: end === undefined ? { start: int(start) } : { start: int(start), end: int(end) },
  })
}

/** Number of elements, as an int64 scalar. */
export function Size(x: Tensor): Tensor {
  return op('Size', [x])
}

/**
 * Parts along an axis: as long as `split` says, or `num_outputs` equal ones, of which the last may be shorter. How many
 * there are must be known.
 */
export function Split(
  x: Tensor,
  split?: Integers,
  options: { axis?: number; num_outputs?: number } = {},
): Tensor[] {
  checkNames('Split', options, { axis: true, num_outputs: true })
  const { axis = 0, num_outputs } = options
  const graph = graphOf('Split', [x])
  const attributes = { axis: int(axis), ...(num_outputs !== undefined && { num_outputs: int(num_outputs) }) }
  return emit(graph, 'Split', [x, integers(graph, split)], { attributes })
}

/** `x` over and over: `repeats` times along each axis. */
export function Tile(x: Tensor, repeats: Integers): Tensor {
  return op('Tile', [x, integers(graphOf('Tile', [x]), repeats)])
}

export interface PadOptions {
  /** What is put there: `constantValue`, a mirror image, the border again, or the other end. @default 'constant' */
  mode?: 'constant' | 'reflect' | 'edge' | 'wrap'
}

/**
 * More, or with negative numbers fewer, elements around `x`. `pads` has what to add at the begin of each axis, then what
 * to add at their ends; it speaks of `axes` (all without it).
 */
export function Pad(
  x: Tensor,
  pads: Integers,
  constantValue?: Operand,
  axes?: Integers,
  options: PadOptions = {},
): Tensor {
  checkNames('Pad', options, { mode: true })
  const { mode = 'constant' } = options
  const graph = graphOf('Pad', [x])
  const attributes = { mode: string(mode) }
  const rank = x.shape?.length
  const known = axes === undefined || !isTensor(axes) ? axes : integersOf(axes.data)
  if (rank === undefined || known === undefined)
    return op('Pad', [x, integers(graph, pads), constantValue, integers(graph, axes)], { attributes })
  return op('Pad', [x, padsOfAllAxes(graph, pads, known, rank), constantValue], { attributes })
}

/**
 * The same padding written out for every axis. With the optional input of axes, ONNX Runtime 1.30 goes wrong when it
 * moves a Transpose past the node.
 */
function padsOfAllAxes(graph: Graph, pads: Integers, axes: readonly number[], rank: number): Tensor {
  const count = axes.length
  const named = axes.map((axis) => (axis < 0 ? axis + rank : axis))
  // Where each begin, then each end, is found; place `2 count` is a zero.
  const places = [0, count].flatMap((half) =>
    Array.from({ length: rank }, (_, axis) =>
      named.includes(axis) ? half + named.indexOf(axis) : 2 * count,
    ),
  )
  const listed = isTensor(pads) ? integersOf(pads.data) : pads
  if (listed !== undefined)
    return integers(
      graph,
      places.map((place) => listed.at(place) ?? 0),
    )
  const withZero = Concat([integers(graph, pads), graph.constant('int64', [1], [0])], { axis: 0 })
  return op('Gather', [withZero, integers(graph, places)], { attributes: { axis: int(0) } })
}

/** Channels into blocks of pixels, [N, C b b, H, W] to [N, C, H b, W b]; `CRD` has the block's place in the last channels. */
export function DepthToSpace(x: Tensor, options: { blocksize: number; mode?: 'DCR' | 'CRD' }): Tensor {
  checkNames('DepthToSpace', options, { blocksize: true, mode: true })
  const { blocksize, mode = 'DCR' } = options
  return op('DepthToSpace', [x], { attributes: { blocksize: int(blocksize), mode: string(mode) } })
}

/** Blocks of pixels into channels, [N, C, H b, W b] to [N, C b b, H, W]. */
export function SpaceToDepth(x: Tensor, options: { blocksize: number }): Tensor {
  checkNames('SpaceToDepth', options, { blocksize: true })
  const { blocksize } = options
  return op('SpaceToDepth', [x], { attributes: { blocksize: int(blocksize) } })
}

/** The upper (or lower) triangle of the last two axes, zeros elsewhere, from the `k`-th diagonal. */
export function Trilu(x: Tensor, k?: number | Tensor, options: { upper?: 0 | 1 } = {}): Tensor {
  checkNames('Trilu', options, { upper: true })
  const { upper = 1 } = options
  return op('Trilu', [x, k === undefined ? undefined : scalar(graphOf('Trilu', [x]), k)], {
    attributes: { upper: int(upper) },
  })
}

/** The first `lengths` entries of each sequence in reverse order; the rest stay. */
export function ReverseSequence(
  x: Tensor,
  lengths: Integers,
  options: { batch_axis?: 0 | 1; time_axis?: 0 | 1 } = {},
): Tensor {
  checkNames('ReverseSequence', options, { batch_axis: true, time_axis: true })
  const { batch_axis = 1, time_axis = 0 } = options
  return op('ReverseSequence', [x, integers(graphOf('ReverseSequence', [x]), lengths)], {
    attributes: { batch_axis: int(batch_axis), time_axis: int(time_axis) },
  })
}
