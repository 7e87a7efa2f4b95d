/**
 * The gate of a gated MLP, `silu(gate) * up`, as one operator: only its two inputs are kept for the backward pass, which
 * computes the logistic function again, and the product where its values are read, instead of holding on to three more
 * tensors of that size.
 */
import { checkNames } from '@evolmm/internal'
import { customOp } from '../grad/custom-op'
import { remade } from '../graph/remade'
import { float } from '../graph/attribute'
import type { Tensor } from '../graph/graph'
import { Add, Exp, Mul, Neg, Reciprocal, Sigmoid, Sub } from '../ops/elementwise'
import { node } from '../ops/node'
import { checkOperands } from './check-operands'

export interface GatedSiluOptions {
  gate: Tensor
  /** A tensor in the shape of `gate`. */
  up: Tensor
}

/** `gate / (1 + exp(-gate)) * up`. */
export function gatedSilu(options: GatedSiluOptions): Tensor {
  checkNames('gatedSilu', options, { gate: true, up: true })
  const { gate, up } = options
  checkOperands('gatedSilu', { gate: { tensor: gate, shape: ['...'] } })
  const shape = gate.shape?.map((_, axis) => `axis ${axis}`) ?? ['...']
  checkOperands('gatedSilu', { gate: { tensor: gate, shape }, up: { tensor: up, shape } })
  return remade(gatedSiluOp(gate, up)[0], () => Mul(Mul(gate, logistic(gate)), up))
}

const gatedSiluOp = customOp({
  name: 'GatedSilu',
  forward: (gate, up) => [Mul(silu(gate), up)],
  backward: ({ inputs: [gate, up], gradients: [gradient], needs }) => {
    if (gradient === undefined) return []
    const s = logistic(gate)
    const a = Mul(gate, s)
    // silu' = s + a (1 - s) = s (1 + gate - a). A chain, each of whose results takes the place of the one before.
    const slope = () => Mul(Mul(Mul(Add(Sub(gate, a), 1), s), up), gradient)
    return [needs[0] ? slope() : undefined, needs[1] ? Mul(gradient, a) : undefined]
  },
})

/** One pass instead of two: the runtime's `QuickGelu` is `x sigmoid(alpha x)`. It has no float64. */
function silu(x: Tensor): Tensor {
  const { dtype, shape } = x
  if (dtype === 'float64') return Mul(x, logistic(x))
  return node('QuickGelu', [x], {
    domain: 'com.microsoft',
    attributes: { alpha: float(1) },
    outputs: [{ dtype, shape }],
  })[0]
}

/**
 * The logistic function is written out in float64, where the runtime would make of `Sigmoid` and `Mul` a `QuickGelu`
 * that it cannot run.
 */
function logistic(x: Tensor): Tensor {
  return x.dtype === 'float64' ? Reciprocal(Add(Exp(Neg(x)), 1)) : Sigmoid(x)
}
