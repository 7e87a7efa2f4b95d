/**
 * Root-mean-square normalisation, `y = x / sqrt(mean(x²) + epsilon) * weight`, as one operator whose backward pass uses
 * the inverse deviation of the forward pass: few passes over memory, and nothing of x's size is kept but x.
 */
import { customOp } from '../grad/custom-op'
import { unbroadcast } from '../grad/unbroadcast'
import type { Tensor } from '../graph/graph'
import { Add, Mul, Reciprocal, Sqrt, Sub } from '../ops/elementwise'
import { ReduceMean } from '../ops/reduction'

export interface RmsNormOptions {
  /** [..., D] */
  x: Tensor
  /** [D] */
  weight: Tensor
  /** Added to the mean square. @default 1e-6 */
  epsilon?: number
}

/** `x / sqrt(mean(x²) + epsilon) * weight` over the last axis, [..., D]. */
export function rmsNorm({ x, weight, epsilon = 1e-6 }: RmsNormOptions): Tensor {
  return rmsNormOp(epsilon)(x, weight)[0]
}

const operators = new Map<number, ReturnType<typeof customOp>>()

function rmsNormOp(epsilon: number): ReturnType<typeof customOp> {
  const known = operators.get(epsilon)
  if (known !== undefined) return known
  const made = customOp({
    name: 'RmsNorm',
    // The second output, [..., 1], is kept for the backward pass.
    forward: (x, weight) => {
      const inverse = Reciprocal(Sqrt(Add(ReduceMean(Mul(x, x), [-1]), epsilon)))
      return [Mul(Mul(x, inverse), weight), inverse]
    },
    // With h = gradient * weight: dx = inverse (h - xhat mean(h xhat)).
    backward: ({ inputs: [x, weight], outputs: [, inverse], gradients: [gradient], needs }) => {
      if (gradient === undefined) return []
      const xhat = Mul(x, inverse)
      const slope = needs[1] ? unbroadcast(Mul(gradient, xhat), weight) : undefined
      if (!needs[0]) return [undefined, slope]
      const h = Mul(gradient, weight)
      return [Mul(Sub(h, Mul(xhat, ReduceMean(Mul(h, xhat), [-1]))), inverse), slope]
    },
  })
  operators.set(epsilon, made)
  return made
}
