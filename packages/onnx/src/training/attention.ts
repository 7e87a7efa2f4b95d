/**
 * Scaled dot-product attention with grouped queries, as one operator.
 *
 * The query heads that share keys and values are rows of one product with them. The scale goes onto the queries and the
 * correction of the softmax's gradient is taken from the output (rows of P dP sum to rows of O dO): both are far smaller
 * than the scores. Of the scores' size only the probabilities are kept, if they are not made again.
 */
import { checkInteger, checkNames, checkNumber } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { customOp } from '../grad/custom-op'
import type { Tensor } from '../graph/graph'
import { Add, Mul, Sub } from '../ops/elementwise'
import { MatMul } from '../ops/matrix'
import { Softmax } from '../ops/normalization'
import { ReduceSum } from '../ops/reduction'
import { Reshape, Transpose } from '../ops/shaping'
import { checkOperands } from './check-operands'
import { chunkedAttentionOp } from './chunked-attention'
import { headLayout, turned } from './head-layout'
import { checkMaskGradient } from './mask-gradient'
import { operatorFor } from './operator-for'

export interface AttentionOptions {
  /** [B, T, heads d] */
  q: Tensor
  /** [B, S, keyValueHeads d] */
  k: Tensor
  /** [B, S, keyValueHeads d] */
  v: Tensor
  /**
   * Added to the scores, broadcast to [B, heads, T, S] ([T, S], say): 0 where the row sees the column, very negative
   * elsewhere. No gradient. @default none
   */
  mask?: Tensor | undefined
  heads: number
  /** A divisor of `heads`. @default heads */
  keyValueHeads?: number
  /** Width of a head, d. */
  headSize: number
  /** What scores are multiplied with. @default 1 / sqrt(headSize) */
  scale?: number
  /**
   * Queries whose scores exist at the same time. They are made again in the backward pass, so that memory grows with the
   * rows and not with their square; without a gradient the numbers are those of all queries at once. @default all queries,
   * and probabilities are kept for the backward pass
   */
  chunk?: number | undefined
  /** True makes the probabilities again in the backward pass instead of keeping them. @default false, but with `chunk` */
  again?: boolean | undefined
}

/** `softmax(scale q k^T + mask) v`, [B, T, heads d]. */
export function attention(options: AttentionOptions): Tensor {
  checkNames('attention', options, {
    q: true,
    k: true,
    v: true,
    mask: true,
    heads: true,
    keyValueHeads: true,
    headSize: true,
    scale: true,
    chunk: true,
    again: true,
  })
  const { q, k, v, mask, heads, headSize, chunk, again = false } = options
  const { keyValueHeads = heads, scale = 1 / Math.sqrt(headSize) } = options
  checkOptions(options, keyValueHeads, scale)
  const run =
    chunk === undefined || isWithin(q, chunk)
      ? attentionOp(heads, keyValueHeads, headSize, scale, again)
      : chunkedAttentionOp(heads, keyValueHeads, headSize, scale, chunk)
  return run(...(mask === undefined ? [q, k, v] : [q, k, v, mask]))[0]
}

/** True if one chunk is known to hold all queries. */
function isWithin({ shape }: Tensor, chunk: number): boolean {
  const rows = shape?.[1]
  return typeof rows === 'number' && rows <= chunk
}

function checkOptions(options: AttentionOptions, keyValueHeads: number, scale: number): void {
  const { q, k, v, mask, heads, headSize } = options
  checkInteger('attention.heads', heads, { min: 1 })
  checkInteger('attention.keyValueHeads', keyValueHeads, { min: 1 })
  checkInteger('attention.headSize', headSize, { min: 1 })
  checkNumber('attention.scale', scale)
  if (options.chunk !== undefined) checkInteger('attention.chunk', options.chunk, { min: 1 })
  if (heads % keyValueHeads !== 0)
    throw new EvolmmError(
      'INVALID_OPTION',
      `attention.keyValueHeads: must divide heads, ${heads}, got ${keyValueHeads}; pass a divisor`,
    )
  checkOperands(
    'attention',
    {
      q: { tensor: q, shape: ['B', 'T', 'heads d'] },
      k: { tensor: k, shape: ['B', 'S', 'keyValueHeads d'] },
      v: { tensor: v, shape: ['B', 'S', 'keyValueHeads d'] },
      mask: { tensor: mask, shape: ['B', 'heads', 'T', 'S'], broadcast: true, optional: true },
    },
    { heads, 'heads d': heads * headSize, 'keyValueHeads d': keyValueHeads * headSize },
  )
}

const attentionOp = operatorFor((...sizes: [number, number, number, number, boolean]) => {
  const [heads, groups, d, scale, again] = sizes
  const { split, group, merge, mergeTurned, apart, together } = headLayout({ heads, groups, d })
  const probabilities = (q: Tensor, k: Tensor, mask?: Tensor) => {
    const scores = apart(MatMul(group(q), turned(split(k, groups))))
    return Softmax(mask === undefined ? scores : Add(scores, mask))
  }

  return customOp({
    name: 'Attention',
    // The second output, [B, heads, T, S], is kept for the backward pass.
    forward: (q, k, v, mask?: Tensor) => {
      const weights = probabilities(Mul(q, scale), k, mask)
      const mixed = Reshape(MatMul(together(weights), split(v, groups)), [0, heads, -1, d])
      return again ? [merge(mixed, heads)] : [merge(mixed, heads), weights]
    },
    backward: ({ inputs: [q, k, v, mask], outputs: [mixed, kept], gradients: [gradient], needs }) => {
      checkMaskGradient(needs[3])
      if (gradient === undefined) return []
      // With the scale elsewhere, so that the runtime does not take them for those of the forward pass and keep these.
      const weights = again ? probabilities(q, Mul(k, scale), mask) : kept
      const grouped = group(gradient)
      // It is the small factor that is turned: products with turned scores are slow.
      const gradientV = () => mergeTurned(MatMul(turned(grouped), together(weights)), groups)
      if (!needs[0] && !needs[1]) return [undefined, undefined, gradientV()]
      const correction = ReduceSum(Reshape(Mul(gradient, mixed), [0, 0, heads, d]), [3])
      const slope = Sub(
        apart(MatMul(grouped, turned(split(v, groups)))),
        Transpose(correction, { perm: [0, 2, 1, 3] }),
      )
      const scores = together(Mul(weights, slope))
      const gradientQ = () =>
        Mul(merge(Reshape(MatMul(scores, split(k, groups)), [0, heads, -1, d]), heads), scale)
      const gradientK = () => mergeTurned(MatMul(turned(group(Mul(q, scale))), scores), groups)
      return [
        needs[0] ? gradientQ() : undefined,
        needs[1] ? gradientK() : undefined,
        needs[2] ? gradientV() : undefined,
      ]
    },
  })
})
