/** Cosines and sines for rotary positions. */
import { op, type Tensor } from '@evolmm/onnx'

export interface Angles {
  /** The cosines; these and the sines are [rows, headSize / 2] each. */
  cos: Tensor
  sin: Tensor
}

export interface RotaryAnglesOptions {
  /** int64 [axes, rows] */
  positions: Tensor
  theta: number
  headSize: number
  /** The axis that each of the `headSize / 2` frequencies follows. @default the first, all of them */
  axes?: readonly number[]
}

export function rotaryAngles({ positions, theta, headSize, axes }: RotaryAnglesOptions): Angles {
  const { graph } = positions.scope
  const half = headSize / 2
  const followed = axes ?? Array<number>(half).fill(0)
  // As transformers computes them: the exponent and the power in float32.
  const frequencies = Array.from(
    { length: half },
    (_, i) => 1 / Math.fround(theta ** Math.fround((2 * i) / headSize)),
  )
  const placed = op.Gather(op.Cast(positions, { to: 'float32' }), graph.constant('int64', [half], followed))
  const angles = op.Mul(
    op.Transpose(placed, { perm: [1, 0] }),
    graph.constant('float32', [1, half], frequencies),
  )
  return { cos: op.Cos(angles), sin: op.Sin(angles) }
}

/** The axes of frequencies that come in sections: the first `sections[0]` follow the first axis, and so on. */
export function sectionAxes(sections: readonly number[]): number[] {
  return sections.flatMap((count, axis) => Array<number>(count).fill(axis))
}
