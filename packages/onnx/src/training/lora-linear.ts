/**
 * A frozen linear layer with a low-rank adapter: `y = x W^T + bias + scale (drop(x) A^T) B^T`.
 *
 * Products of rank 16 run at a fifth of the speed of wide ones, because they move as much memory for little
 * arithmetic. So there are as few passes as can be: the scale goes into the smallest product, and the wide product adds
 * onto the small one. The backward pass gives dx, dA and dB, each only if wanted, and never dW.
 */
import { checkNames, checkNumber } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { customOp } from '../grad/custom-op'
import { showTensor, type Tensor } from '../graph/graph'
import { Gemm } from '../ops/matrix'
import { Concat, Reshape, Shape } from '../ops/shaping'
import { checkOperands } from './check-operands'
import { checkDropout, drop, dropoutKeys, type DropoutOptions } from './dropout'
import { operatorFor } from './operator-for'

export interface LoraLinearOptions {
  /** [..., in] */
  x: Tensor
  /** [out, in], frozen: asking for its gradient is an error. */
  weight: Tensor
  /** The bias [out], which is frozen as well. */
  bias?: Tensor | undefined
  /** [r, in] */
  a: Tensor
  /** [out, r] */
  b: Tensor
  /** The adapter counts `alpha / r`, with r from the shape of `a`. One of `alpha` and `scale` must be given. */
  alpha?: number
  /** What the adapter counts. */
  scale?: number
  /** Dropout of the adapter's input. @default none */
  dropout?: DropoutOptions | undefined
}

/** `x W^T + bias + scale (drop(x) A^T) B^T`, [..., out]. */
export function loraLinear(options: LoraLinearOptions): Tensor {
  checkNames('loraLinear', options, {
    x: true,
    weight: true,
    bias: true,
    a: true,
    b: true,
    alpha: true,
    scale: true,
    dropout: true,
  })
  const { x, weight, bias, a, b, dropout } = options
  checkOperands('loraLinear', {
    x: { tensor: x, shape: ['...', 'in'] },
    weight: { tensor: weight, shape: ['out', 'in'] },
    bias: { tensor: bias, shape: ['out'], optional: true },
    a: { tensor: a, shape: ['r', 'in'] },
    b: { tensor: b, shape: ['out', 'r'] },
  })
  if (dropout !== undefined) checkDropout('loraLinear.dropout', dropout.rate, dropout.seed)
  const run = loraOp(scaleOf(options), bias !== undefined, dropout?.rate)
  const matrix = x.shape?.length === 2 ? x : Reshape(x, [-1, dim(a, 1)])
  const given = [matrix, weight, a, b, bias, dropout?.seed].filter((tensor) => tensor !== undefined)
  const y = run(...given)[0]
  if (matrix === x) return y
  const shape = x.shape?.slice(0, -1)
  if (shape?.every((length) => typeof length === 'number') === true) return Reshape(y, [...shape, dim(b, 0)])
  const out = x.scope.graph.constant('int64', [1], [dim(b, 0)])
  return Reshape(y, Concat([Shape(x, { end: -1 }), out], { axis: 0 }))
}

function scaleOf({ a, alpha, scale }: LoraLinearOptions): number {
  if ((alpha === undefined) === (scale === undefined))
    throw new EvolmmError(
      'INVALID_OPTION',
      `loraLinear: exactly one of alpha and scale must be given, got ${alpha} and ${scale}; pass one`,
    )
  if (scale !== undefined) return checkNumber('loraLinear.scale', scale)
  return checkNumber('loraLinear.alpha', alpha) / dim(a, 0)
}

/** A dimension that must be known. */
function dim(tensor: Tensor, axis: number): number {
  const length = tensor.shape?.[axis]
  if (typeof length !== 'number' || length === 0)
    throw new EvolmmError(
      'SHAPE_MISMATCH',
      `loraLinear: the adapter's shapes must be known and not 0, got ${showTensor(tensor)}; give its input a static shape`,
    )
  return length
}

const loraOp = operatorFor((scale: number, biased: boolean, rate: number | undefined) => {
  // What dropout keeps is scaled up together with the adapter.
  const alpha = scale / (1 - (rate ?? 0))

  return customOp({
    name: 'LoraLinear',
    // Inputs: x, weight, a, b, bias if any, seed if any. Outputs besides y are kept for the backward pass; all are small.
    forward: (x, weight, a, b, ...rest) => {
      const bias = biased ? rest[0] : undefined
      const keys = rate === undefined ? undefined : dropoutKeys(x, rest[rest.length - 1])
      const kept = keys === undefined ? x : drop(x, keys.rows, keys.columns, rate ?? 0)
      const low = Gemm(kept, a, undefined, { transB: 1, alpha })
      const adapted = Gemm(low, b, bias, { transB: 1 })
      const y = Gemm(x, weight, adapted, { transB: 1 })
      return keys === undefined ? [y, low] : [y, low, keys.rows, keys.columns]
    },
    backward: ({
      inputs: [x, weight, a, b],
      outputs: [, low, rows, columns],
      gradients: [gradient],
      needs,
    }) => {
      if (needs[1] || (biased && needs[4]))
        throw new EvolmmError(
          'NOT_DIFFERENTIABLE',
          'loraLinear: weight and bias must be frozen, but their gradient is asked for; use Gemm for trained weights',
        )
      if (gradient === undefined) return []
      const dropped = (tensor: Tensor) => (rate === undefined ? tensor : drop(tensor, rows, columns, rate))
      const gradientB = needs[3] ? Gemm(gradient, low, undefined, { transA: 1 }) : undefined
      if (!needs[0] && !needs[2]) return [undefined, undefined, undefined, gradientB]
      const lowGradient = Gemm(gradient, b, undefined, { alpha })
      return [
        needs[0] ? Gemm(gradient, weight, dropped(Gemm(lowGradient, a))) : undefined,
        undefined,
        needs[2] ? Gemm(lowGradient, dropped(x), undefined, { transA: 1 }) : undefined,
        gradientB,
      ]
    },
  })
})
