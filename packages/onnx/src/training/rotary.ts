/**
 * Rotary position embedding in the half-split form of Llama: pairs (i, i + d/2) of each head are turned by an
 * angle of their own. The runtime's `RotaryEmbedding` does it in one pass; the backward pass turns the other way.
 */
import { checkInteger, checkNames } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { customOp } from '../grad/custom-op'
import { int } from '../graph/attribute'
import { showTensor, type Tensor } from '../graph/graph'
import { Neg } from '../ops/elementwise'
import { node } from '../ops/node'
import { Squeeze, Unsqueeze } from '../ops/shaping'
import { checkOperands } from './check-operands'
import { operatorFor } from './operator-for'

export interface RotaryOptions {
  /** What is turned, [T, heads d], in float32 or float16. */
  x: Tensor
  /** Cosines of the angles, [T, d / 2]; no gradient. */
  cos: Tensor
  /** Sines of the angles, [T, d / 2]; no gradient. */
  sin: Tensor
  heads: number
}

/** `x` with each head of each row turned by the row's angles, [T, heads d]. */
export function rotary(options: RotaryOptions): Tensor {
  checkNames('rotary', options, { x: true, cos: true, sin: true, heads: true })
  const { x, cos, sin, heads } = options
  checkOptions({ x, cos, sin, heads })
  return rotaryOp(heads)(x, cos, sin)[0]
}

function checkOptions({ x, cos, sin, heads }: RotaryOptions): void {
  checkInteger('rotary.heads', heads, { min: 1 })
  checkOperands('rotary', {
    x: { tensor: x, shape: ['T', 'heads d'] },
    cos: { tensor: cos, shape: ['T', 'd / 2'] },
    sin: { tensor: sin, shape: ['T', 'd / 2'] },
  })
  const fail = (rule: string, fix: string): never => {
    throw new EvolmmError('SHAPE_MISMATCH', `rotary.x: must be ${rule}, got ${showTensor(x)}; ${fix}`, {
      details: { option: 'x', dtype: x.dtype, shape: x.shape },
    })
  }
  if (x.dtype === 'float64') fail('float32 or float16, all that RotaryEmbedding takes', 'cast it')
  const [width, half] = [x.shape?.[1], cos.shape?.[1]]
  if (typeof width !== 'number') return
  if (width % (2 * heads) !== 0)
    fail(`of shape [T, heads d], with heads = ${heads} and d even`, 'check heads')
  if (typeof half === 'number' && width !== 2 * half * heads)
    fail(`of shape [T, heads d], with heads = ${heads} and d = ${2 * half} from cos`, 'pass matching tensors')
}

const rotaryOp = operatorFor((heads: number) =>
  customOp({
    name: 'Rotary',
    forward: (x, cos, sin) => [rotate(x, cos, sin, heads)],
    backward: ({ inputs: [, cos, sin], gradients: [gradient], needs }) => [
      gradient && needs[0] ? rotate(gradient, cos, Neg(sin), heads) : undefined,
    ],
  }),
)

function rotate(x: Tensor, cos: Tensor, sin: Tensor, heads: number): Tensor {
  const { graph } = x.scope
  // The position of row t is 0 + t: each row has its own line in the tables.
  const start = graph.constant('int64', [1], [0])
  const batch = Unsqueeze(x, [0])
  const [turned] = node('RotaryEmbedding', [batch, start, cos, sin], {
    domain: 'com.microsoft',
    attributes: { num_heads: int(heads) },
    outputs: [{ dtype: x.dtype, shape: batch.shape }],
  })
  return Squeeze(turned, [0])
}
