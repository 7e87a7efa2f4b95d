/**
 * The ways through a block of a vision tower, by who sees whom. Where rows are worked on some at a time, few results are ever
 * there for all of them: the rows before and after the block, and the keys and values of what is seen whole.
 */
import { attention, op, rowChunks, type Tensor } from '@evolmm/onnx'
import type { Layers } from '../layers'
import { attendNear, type Neighbours } from './neighbours'
import { windowParts } from './window-parts'

/** What a block does to rows [R, D]; `tables` have a line for each row. */
export interface BlockParts {
  /** Queries, keys and values, [R, D] each. */
  before: (rows: Tensor, tables: readonly Tensor[]) => [q: Tensor, k: Tensor, v: Tensor]
  /** The rows that leave the block, from those that came and mixed values, [R, D]. */
  after: (rows: Tensor, mixed: Tensor) => Tensor
}

type Way = (parts: BlockParts, x: Tensor, tables: readonly Tensor[]) => Tensor

interface NearWayOptions {
  heads: number
  headSize: number
  /** True if neighbours may be very many. */
  whole: boolean
}

/** The way of a kind of attention; without neighbours all rows are near each other. */
export function nearWay(layers: Layers, near: Neighbours | undefined, options: NearWayOptions): Way {
  const { whole, ...heads } = options
  const { atATime } = layers
  const sizes = { ...heads, attend: whole ? layers.attendMany : attention }
  if (near !== undefined && !whole && atATime !== undefined) {
    const windows = windowParts(near, atATime.rows)
    return ({ before, after }, x, tables) =>
      windows.map(x, tables, (rows, own, nearOnes) =>
        after(rows, attendNear(before(rows, own), nearOnes, sizes)),
      )
  }
  return ({ before, after }, x, tables) => {
    const asked = layers.rowwise((rows, ...own) => before(rows, own), [x, ...tables])
    const [q, k, v] = asked
    const finish = (given: Tensor, mixed: (rows: Tensor) => Tensor) =>
      layers.rowwise((rows, own) => [after(rows, mixed(own))], [x, given])[0]
    if (near !== undefined) return finish(attendNear([q, k, v], near, sizes), (own) => own)
    if (atATime !== undefined) return finish(q, mixer([k, v], heads, atATime.queries))
    const [batchQ, batchK, batchV] = asked.map((rows) => op.Unsqueeze(rows, [0]))
    return finish(op.Squeeze(sizes.attend({ q: batchQ, k: batchK, v: batchV, ...heads }), [0]), (own) => own)
  }
}

/** Attention of queries [R, D], some at a time, to all keys and values, [patches, D], which are arranged once. */
function mixer(
  [k, v]: readonly [Tensor, Tensor],
  { heads, headSize }: Omit<NearWayOptions, 'whole'>,
  chunk: number,
): (q: Tensor) => Tensor {
  const apart = (x: Tensor, perm: number[]) => op.Transpose(op.Reshape(x, [0, heads, headSize]), { perm })
  const [keys, values] = [apart(k, [1, 2, 0]), apart(v, [1, 0, 2])]
  const mix = (q: Tensor) => {
    const scores = op.MatMul(apart(op.Mul(q, 1 / Math.sqrt(headSize)), [1, 0, 2]), keys)
    const mixed = op.MatMul(op.Softmax(scores), values)
    return op.Reshape(op.Transpose(mixed, { perm: [1, 0, 2] }), [0, heads * headSize])
  }
  return (q) => rowChunks({ like: q, chunk }, ({ of }) => ({ rows: [mix(of(q))] })).rows[0]
}
