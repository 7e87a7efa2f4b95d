/** Activations by operators that every device has. */
import { customOp, op, type Tensor } from '@evolmm/onnx'

/**
 * The exact one. As one operator it came with a later operator set than programs use. In this order the runtime never makes
 * it one, and so the numbers are the same with a backward pass and without.
 */
export function gelu(x: Tensor): Tensor {
  return op.Mul(x, op.Add(op.Mul(op.Erf(op.Mul(x, Math.SQRT1_2)), 0.5), 0.5))
}

const slope = 1.702

/** `x sigmoid(1.702 x)`, of which only x is kept for the backward pass: it is the same operators with it and without. */
export function quickGelu(x: Tensor): Tensor {
  return quickGeluOp(x)[0]
}

const quickGeluOp = customOp({
  name: 'QuickGelu',
  forward: (x) => [op.Mul(x, op.Sigmoid(op.Mul(x, slope)))],
  backward: ({ inputs: [x], gradients: [gradient], needs }) => {
    if (gradient === undefined || !needs[0]) return []
    const steep = op.Mul(x, slope)
    const s = op.Sigmoid(steep)
    return [op.Mul(gradient, op.Add(s, op.Mul(steep, op.Sub(s, op.Mul(s, s)))))]
  },
})
