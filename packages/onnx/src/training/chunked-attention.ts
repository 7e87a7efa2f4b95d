/**
 * Attention whose scores exist for some queries at a time, in the forward pass and made again in the backward pass: memory
 * grows with the rows and not with their square. The forward pass gives the very numbers of all queries at once, since a row
 * of a product or a softmax depends on no other.
 */
import { customOp } from '../grad/custom-op'
import type { Tensor } from '../graph/graph'
import { ConstantOfShape } from '../ops/creation'
import { Add, Mul, Sub } from '../ops/elementwise'
import { MatMul } from '../ops/matrix'
import { Softmax } from '../ops/normalization'
import { ReduceSum } from '../ops/reduction'
import { Concat, Expand, Reshape, Shape, Transpose } from '../ops/shaping'
import { headLayout, turned } from './head-layout'
import { checkMaskGradient } from './mask-gradient'
import { operatorFor } from './operator-for'
import { rowChunks, type RowChunk } from './row-chunks'

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
        const { rows } = rowChunks({ like: q, chunk }, (part) => {
          const weights = probabilities(Mul(part.of(q), scale), keys, rowMask?.(part))
          const mixed = Reshape(MatMul(together(weights), values), [0, heads, -1, d])
          return { rows: [merge(mixed, heads)] }
        })
        return rows
      },
      backward: ({ inputs: [q, k, v, ...masks], outputs: [mixed], gradients: [gradient], needs }) => {
        checkMaskGradient(needs[3])
        if (gradient === undefined) return []
        const [keys, values] = [k, v].map((x) => split(x, groups))
        const [keysTurned, valuesTurned] = [keys, values].map(turned)
        const rowMask = masks.map((mask) => maskOfRows(mask, q)).at(0)
        const zeros = ConstantOfShape(Shape(keysTurned), q.scope.graph.constant(q.dtype, [1], [0]))
        const made = rowChunks({ like: q, chunk, sums: [zeros, zeros] }, (part) => {
          const [ofK, ofV] = part.sums
          const [queries, slopes] = [Mul(part.of(q), scale), part.of(gradient)]
          const weights = probabilities(queries, keysTurned, rowMask?.(part))
          const grouped = group(slopes)
          const correction = ReduceSum(Reshape(Mul(slopes, part.of(mixed)), [0, 0, heads, d]), [3])
          const slope = Sub(
            apart(MatMul(grouped, valuesTurned)),
            Transpose(correction, { perm: [0, 2, 1, 3] }),
          )
          const scores = together(Mul(weights, slope))
          return {
            rows: [Mul(merge(Reshape(MatMul(scores, keys), [0, heads, -1, d]), heads), scale)],
            sums: [
              needs[1] ? Add(ofK, MatMul(turned(group(queries)), scores)) : ofK,
              needs[2] ? Add(ofV, MatMul(turned(grouped), together(weights))) : ofV,
            ],
          }
        })
        const [sumK, sumV] = made.sums
        return [
          needs[0] ? made.rows[0] : undefined,
          needs[1] ? mergeTurned(sumK, groups) : undefined,
          needs[2] ? mergeTurned(sumV, groups) : undefined,
        ]
      },
    })
  },
)

/** The mask of a chunk's rows, from one that is broadcast to [B, heads, T, S]. */
function maskOfRows(mask: Tensor, q: Tensor): (part: RowChunk) => Tensor {
  const { shape } = mask
  const rows = shape?.at(-2)
  if (shape !== undefined && (rows === undefined || rows === 1)) return () => mask
  if (shape !== undefined && rows === q.shape?.[1]) return ({ of }) => of(mask, shape.length - 2)
  const one = q.scope.graph.constant('int64', [1], [1])
  const wide = Expand(mask, Concat([one, one, Shape(q, { start: 1, end: 2 }), one], { axis: 0 }))
  return ({ of }) => of(wide, 2)
}
