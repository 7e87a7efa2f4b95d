/** Rows are worked on some at a time, by a loop: what is made of them on the way is never there for all rows at once. */
import { checkInteger, checkNames } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { showTensor, type Tensor } from '../graph/graph'
import { knownShape } from '../graph/known-shape'
import type { Dim } from '../graph/shape'
import { Loop } from '../ops/control-flow'
import { Add, Div, Max, Mul, Sub } from '../ops/elementwise'
import { checkFunction, graphOf } from '../ops/emit'
import { Slice } from '../ops/indexing'
import { Concat, Pad, Reshape, Shape, Transpose } from '../ops/shaping'

export interface RowChunksOptions {
  /** The rows are its last axis but one: [R, D] or [B, R, D]. */
  like: Tensor
  /** Rows at a time, at most; all chunks are of one size but for the last. */
  chunk: number
  /** Values that go through all chunks. @default none */
  sums?: readonly Tensor[]
}

/** The rows of one chunk. */
export interface RowChunk {
  /** Cuts the rows out of a tensor; `axis` is where its rows are. @default the last axis but one */
  of: (x: Tensor, axis?: number) => Tensor
  /** The places of the first row and behind the last one, int64 [1]; the end may lie beyond all rows. */
  start: Tensor
  end: Tensor
  sums: readonly Tensor[]
}

/**
 * What `step` makes of the rows of each chunk, each result put together with the rows of `like` and its own width, and the sums
 * after the last one. There is no gradient.
 */
export function rowChunks(
  options: RowChunksOptions,
  step: (chunk: RowChunk) => { rows: readonly Tensor[]; sums?: readonly Tensor[] },
): { rows: Tensor[]; sums: Tensor[] } {
  checkNames('rowChunks', options, { like: true, chunk: true, sums: true })
  const { like, sums = [] } = options
  const graph = graphOf('rowChunks', [like, ...sums])
  const chunk = checkInteger('rowChunks.chunk', options.chunk, { min: 1 })
  checkFunction('rowChunks: the step', step)
  const axis = rowAxis(like)
  const count = Shape(like, { start: axis, end: axis + 1 })
  const trips = Max(Div(Add(count, chunk - 1), chunk), graph.constant('int64', [1], [1]))
  const size = Div(Add(count, Sub(trips, 1)), trips)
  const made = Loop({ trips: Reshape(trips, []), carried: sums }, (i, ...carried) => {
    const start = Mul(size, i)
    const end = Add(start, size)
    const length = graph.fresh('unknown')
    // What has as many rows as `like` has as many of them here.
    const of = (x: Tensor, at = rowAxis(x)) => {
      const part = Slice(x, start, end, [at])
      return x.shape?.[at] === like.shape?.[axis] ? knownShape(part, withLength(x.shape, at, length)) : part
    }
    const { rows, sums: next = [] } = step({ of, start, end, sums: carried })
    // Stacked entries have one size; rows are filled up only here, where they are fewest.
    const missing = Max(Sub(end, count), graph.constant('int64', [1], [0]))
    const zeros = (length: number) => graph.constant('int64', [length], Array<number>(length).fill(0))
    const pads = Concat([zeros(2 * axis + 2), missing, zeros(1)], { axis: 0 })
    const pad = (each: Tensor) => knownShape(Pad(each, pads), withLength(each.shape, axis, size.value?.[0]))
    return { carried: next, stacked: rows.map(pad) }
  })
  const together = (stacked: Tensor) => {
    const inOrder = axis === 0 ? stacked : Transpose(stacked, { perm: [1, 0, 2, 3] })
    const shaped = (rows: Tensor) =>
      Concat([Shape(like, { end: axis }), rows, Shape(stacked, { start: -1 })], { axis: 0 })
    const filled = Reshape(inOrder, shaped(graph.constant('int64', [1], [-1])))
    const width = stacked.shape?.at(-1)
    const shape = width === undefined ? undefined : like.shape?.with(-1, width)
    return Reshape(knownShape(Slice(filled, [0], count, [axis]), shape), shaped(count))
  }
  return { rows: made.slice(sums.length).map(together), sums: made.slice(0, sums.length) }
}

function rowAxis(x: Tensor): number {
  const rank = x.shape?.length
  if (rank === 2 || rank === 3) return rank - 2
  throw new EvolmmError(
    'SHAPE_MISMATCH',
    `rowChunks: rows must be the last axis but one of [R, D] or [B, R, D], got ${showTensor(x)}; reshape it`,
  )
}

/** The shape with another length, if both are known. */
function withLength(shape: Tensor['shape'], axis: number, length: Dim | undefined): Tensor['shape'] {
  return length === undefined ? undefined : shape?.map((dim, i) => (i === axis ? length : dim))
}
