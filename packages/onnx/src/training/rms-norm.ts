/**
 * Root-mean-square normalisation, `y = x / sqrt(mean(x²) + epsilon) * weight`, as one operator: the forward pass is
 * one pass over memory, and the backward pass needs nothing but x, of which it computes the deviation again. So does the
 * gradient of what reads y: y itself is not kept.
 */
import { checkNames, checkNumber } from '@evolmm/internal'
import { customOp } from '../grad/custom-op'
import { remade } from '../graph/remade'
import { unbroadcast } from '../rules/unbroadcast'
import type { Tensor } from '../graph/graph'
import { Add, Div, Mul, Pow, Reciprocal, Sqrt, Sub } from '../ops/elementwise'
import { ReduceMean } from '../ops/reduction'
import { checkOperands } from './check-operands'
import { operatorFor } from './operator-for'

export interface RmsNormOptions {
  /** [..., D] */
  x: Tensor
  /** [D] */
  weight: Tensor
  /** Added to the mean square. @default 1e-6 */
  epsilon?: number
}

/** `x / sqrt(mean(x²) + epsilon) * weight` over the last axis, [..., D]. */
export function rmsNorm(options: RmsNormOptions): Tensor {
  checkNames('rmsNorm', options, { x: true, weight: true, epsilon: true })
  const { x, weight, epsilon = 1e-6 } = options
  checkOperands('rmsNorm', {
    x: { tensor: x, shape: ['...', 'D'] },
    weight: { tensor: weight, shape: ['D'] },
  })
  checkNumber('rmsNorm.epsilon', epsilon, { min: 0 })
  const y = rmsNormOp(epsilon)(x, weight)[0]
  return remade(y, () => Mul(Mul(x, inverseOf(x, epsilon)), weight))
}

/** One over the deviation of each row, [..., 1]. */
function inverseOf(x: Tensor, epsilon: number): Tensor {
  return Reciprocal(Sqrt(Add(ReduceMean(Mul(x, x), [-1]), epsilon)))
}

const rmsNormOp = operatorFor((epsilon: number) =>
  customOp({
    name: 'RmsNorm',
    // With Pow and Div the runtime makes one pass of these operators. For types other than float32 it then forgets
    // epsilon and takes 1e-5, so there it must not recognise them.
    forward: (x, weight) => {
      const square = x.dtype === 'float32' ? Pow(x, 2) : Mul(x, x)
      const deviation = Sqrt(Add(ReduceMean(square, [-1]), epsilon))
      return [Mul(Div(x, deviation), weight)]
    },
    // With h = gradient * weight: dx = inverse (h - xhat mean(h xhat)).
    backward: ({ inputs: [x, weight], gradients: [gradient], needs }) => {
      if (gradient === undefined) return []
      const inverse = inverseOf(x, epsilon)
      const xhat = Mul(x, inverse)
      const slope = needs[1] ? unbroadcast(Mul(gradient, xhat), weight) : undefined
      if (!needs[0]) return [undefined, slope]
      const h = Mul(gradient, weight)
      return [Mul(Sub(h, Mul(xhat, ReduceMean(Mul(h, xhat), [-1]))), inverse), slope]
    },
  }),
)
