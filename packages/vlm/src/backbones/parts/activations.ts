/** Activations by operators that every device has. */
import { op, type Tensor } from '@evolmm/onnx'

/**
 * The exact one. As one operator it came with a later operator set than programs use. In this order the runtime never makes
 * it one, and so the numbers are the same with a backward pass and without.
 */
export function gelu(x: Tensor): Tensor {
  return op.Mul(x, op.Add(op.Mul(op.Erf(op.Mul(x, Math.SQRT1_2)), 0.5), 0.5))
}
