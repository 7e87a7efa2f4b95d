/**
 * Attention whose scores exist for some queries at a time, in the forward pass and made again in the backward pass: memory
 * grows with the rows and not with their square. The forward pass gives the very numbers of all queries at once, since a row
 * of a product or a softmax depends on no other.
 */
import { customOp } from '../grad/custom-op'
import type { Tensor } from '../graph/graph'
import { Loop } from '../ops/control-flow'
import { ConstantOfShape } from '../ops/creation'
import { Add, Div, Max, Mul, Sub } from '../ops/elementwise'
import { Slice } from '../ops/indexing'
import { MatMul } from '../ops/matrix'
import { Softmax } from '../ops/normalization'
import { ReduceSum } from '../ops/reduction'
import { Concat, Expand, Pad, Reshape, Shape, Transpose } from '../ops/shaping'
import { headLayout, turned } from './head-layout'
import { checkMaskGradient } from './mask-gradient'
import { operatorFor } from './operator-for'

export const chunkedAttentionOp = operatorFor(
  (heads: number, groups: number, d: number, scale: number, chunk: number) => {
    const { split, group, merge, mergeTurned, apart, together } = headLayout({ heads, groups, d })
    /** The weights of all columns for queries [B, rows, heads d]: [B, heads, rows, S]. */
    const probabilities = (q: Tensor, keys: Tensor, mask: Tensor | undefined) => {
      const scores = apart(MatMul(group(q), keys))
      return Softmax(mask === undefined ? scores : Add(scores, mask))
    }

    return customOp({
      name: 'ChunkedAttention',
      forward: (q, k, v, mask?: Tensor) => {
        const [keys, values] = [turned(split(k, groups)), split(v, groups)]
        const rowMask = mask && maskOfRows(mask, q)
        const [, mixed] = inChunks({ like: q, chunk, sums: [] }, (rows) => {
          const weights = probabilities(Mul(rows(q), scale), keys, rowMask?.(rows))
          const mixed = Reshape(MatMul(together(weights), values), [0, heads, -1, d])
          return { sums: [], rows: merge(mixed, heads) }
        })
        return [mixed]
      },
      backward: ({ inputs: [q, k, v, ...masks], outputs: [mixed], gradients: [gradient], needs }) => {
        checkMaskGradient(needs[3])
        if (gradient === undefined) return []
        const [keys, values] = [k, v].map((x) => split(x, groups))
        const [keysTurned, valuesTurned] = [keys, values].map(turned)
        const rowMask = masks.map((mask) => maskOfRows(mask, q)).at(0)
        const zeros = ConstantOfShape(Shape(keysTurned), q.scope.graph.constant(q.dtype, [1], [0]))
        const [[sumK, sumV], gradientQ] = inChunks(
          { like: q, chunk, sums: [zeros, zeros] },
          (rows, [sumK, sumV]) => {
            const [queries, slopes] = [Mul(rows(q), scale), rows(gradient)]
            const weights = probabilities(queries, keysTurned, rowMask?.(rows))
            const grouped = group(slopes)
            const correction = ReduceSum(Reshape(Mul(slopes, rows(mixed)), [0, 0, heads, d]), [3])
            const slope = Sub(
              apart(MatMul(grouped, valuesTurned)),
              Transpose(correction, { perm: [0, 2, 1, 3] }),
            )
            const scores = together(Mul(weights, slope))
            return {
              sums: [
                needs[1] ? Add(sumK, MatMul(turned(group(queries)), scores)) : sumK,
                needs[2] ? Add(sumV, MatMul(turned(grouped), together(weights))) : sumV,
              ],
              rows: Mul(merge(Reshape(MatMul(scores, keys), [0, heads, -1, d]), heads), scale),
            }
          },
        )
        return [
          needs[0] ? gradientQ : undefined,
          needs[1] ? mergeTurned(sumK, groups) : undefined,
          needs[2] ? mergeTurned(sumV, groups) : undefined,
        ]
      },
    })
  },
)

/** The rows [B, size, n] of a chunk, from all of them [B, T, n]; `axis` says where rows are elsewhere. */
type Rows = (x: Tensor, axis?: number) => Tensor

/**
 * `step` on at most `chunk` rows at a time, chunks of one size but for the last, which is filled up with zeros. Returns the
 * sums that went through all chunks, and the rows of all of them in the shape of `like`, [B, T, n].
 */
function inChunks(
  { like, chunk, sums }: { like: Tensor; chunk: number; sums: readonly Tensor[] },
  step: (rows: Rows, sums: readonly Tensor[]) => { sums: readonly Tensor[]; rows: Tensor },
): [sums: Tensor[], rows: Tensor] {
  const { graph } = like.scope
  const count = Shape(like, { start: 1, end: 2 })
  const trips = Max(Div(Add(count, chunk - 1), chunk), graph.constant('int64', [1], [1]))
  const size = Div(Add(count, Sub(trips, 1)), trips)
  const made = Loop({ trips: Reshape(trips, []), carried: sums }, (i, ...carried) => {
    const start = Mul(size, i)
    const end = Add(start, size)
    const missing = Max(Sub(end, count), graph.constant('int64', [1], [0]))
    const rows: Rows = (x, axis = 1) => {
      const none = (length: number) => graph.constant('int64', [length], Array<number>(length).fill(0))
      const rank = x.shape?.length ?? 3
      const pads = Concat([none(rank + axis), missing, none(rank - axis - 1)], { axis: 0 })
      return Pad(Slice(x, start, end, [axis]), pads)
    }
    const { sums: next, rows: own } = step(rows, carried)
    return { carried: next, stacked: [own] }
  })
  const stacked = Transpose(made[sums.length], { perm: [1, 0, 2, 3] })
  const whole = Reshape(
    stacked,
    Concat([Shape(stacked, { end: 1 }), graph.constant('int64', [1], [-1]), Shape(stacked, { start: 3 })], {
      axis: 0,
    }),
  )
  return [made.slice(0, sums.length), Reshape(Slice(whole, [0], count, [1]), Shape(like))]
}

/** The mask of a chunk's rows, from one that is broadcast to [B, heads, T, S]. */
function maskOfRows(mask: Tensor, q: Tensor): (rows: Rows) => Tensor {
  const { shape } = mask
  const rows = shape?.at(-2)
  if (shape !== undefined && (rows === undefined || rows === 1)) return () => mask
  if (shape !== undefined && rows === q.shape?.[1]) return (of) => of(mask, shape.length - 2)
  const one = q.scope.graph.constant('int64', [1], [1])
  const wide = Expand(mask, Concat([one, one, Shape(q, { start: 1, end: 2 }), one], { axis: 0 }))
  return (of) => of(wide, 2)
}
