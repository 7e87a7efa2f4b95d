/**
 * The gate of a gated MLP, `silu(gate) * up`, as one operator: only its two inputs are kept for the backward pass, which
 * computes the logistic function again instead of holding on to two more tensors of that size.
 */
import { customOp } from '../grad/custom-op'
import { float } from '../graph/attribute'
import type { Tensor } from '../graph/graph'
import { emit } from '../graph/emit'
import { Add, Mul, Sigmoid, Sub } from '../ops/elementwise'

export interface GatedSiluOptions {
  gate: Tensor
  /** In the shape of `gate`. */
  up: Tensor
}

/** `gate / (1 + exp(-gate)) * up`. */
export function gatedSilu({ gate, up }: GatedSiluOptions): Tensor {
  return gatedSiluOp(gate, up)[0]
}

const gatedSiluOp = customOp({
  name: 'GatedSilu',
  forward: (gate, up) => [Mul(silu(gate), up)],
  backward: ({ inputs: [gate, up], gradients: [gradient], needs }) => {
    if (gradient === undefined) return []
    const s = Sigmoid(gate)
    const a = Mul(gate, s)
    // silu' = s + a (1 - s) = s + a - a s
    const slope = () => Mul(Mul(gradient, up), Sub(Add(s, a), Mul(a, s)))
    return [needs[0] ? slope() : undefined, needs[1] ? Mul(gradient, a) : undefined]
  },
})

/** One pass instead of two: the runtime's `QuickGelu` is `x sigmoid(alpha x)`. */
function silu(x: Tensor): Tensor {
  const { dtype, shape, scope } = x
  return emit(scope.graph, 'QuickGelu', [x], {
    domain: 'com.microsoft',
    attributes: { alpha: float(1) },
    outputs: [{ dtype, shape }],
  })[0]
}
