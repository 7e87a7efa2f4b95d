/**
 * Rotary position embedding in the half-split form of Llama and Qwen: pairs (i, i + d/2) of each head are turned by an
 * angle of their own. The runtime's `RotaryEmbedding` does it in one pass; the backward pass turns the other way.
 */
import { customOp } from '../grad/custom-op'
import { int } from '../graph/attribute'
import { emit } from '../graph/emit'
import type { Tensor } from '../graph/graph'
import { Neg } from '../ops/elementwise'
import { Squeeze, Unsqueeze } from '../ops/shaping'

export interface RotaryOptions {
  /** [T, heads d], float32 or float16 */
  x: Tensor
  /** Cosines of the angles, [T, d / 2]; no gradient. */
  cos: Tensor
  /** Sines of the angles, [T, d / 2]; no gradient. */
  sin: Tensor
  heads: number
}

/** `x` with each head of each row turned by the row's angles, [T, heads d]. */
export function rotary({ x, cos, sin, heads }: RotaryOptions): Tensor {
  return rotaryOp(heads)(x, cos, sin)[0]
}

const operators = new Map<number, ReturnType<typeof customOp>>()

function rotaryOp(heads: number): ReturnType<typeof customOp> {
  const known = operators.get(heads)
  if (known !== undefined) return known
  const made = customOp({
    name: 'Rotary',
    forward: (x, cos, sin) => [turn(x, cos, sin, heads)],
    backward: ({ inputs: [, cos, sin], gradients: [gradient], needs }) => [
      gradient && needs[0] ? turn(gradient, cos, Neg(sin), heads) : undefined,
    ],
  })
  operators.set(heads, made)
  return made
}

function turn(x: Tensor, cos: Tensor, sin: Tensor, heads: number): Tensor {
  const { graph } = x.scope
  // The position of row t is 0 + t: each row has its own line in the tables.
  const start = graph.constant('int64', [1], [0])
  const batch = Unsqueeze(x, [0])
  const [turned] = emit(graph, 'RotaryEmbedding', [batch, start, cos, sin], {
    domain: 'com.microsoft',
    attributes: { num_heads: int(heads) },
    outputs: [{ dtype: x.dtype, shape: batch.shape }],
  })
  return Squeeze(turned, [0])
}
