/** Gradients of operators that rearrange: the same elements, back in their old places. */
import type { GradientRule } from '../grad/rule'
import { unbroadcast } from '../grad/unbroadcast'
import { Reshape, Shape, Transpose } from '../ops/shaping'

/** Back to the shape of the input. */
const restore: GradientRule = (c) => [() => Reshape(c.gradient, Shape(c.input(0)))]

export const shaping: Record<string, GradientRule> = {
  Reshape: restore,
  Flatten: restore,
  Squeeze: restore,
  Unsqueeze: restore,
  Transpose: (c) => {
    const permutation = c.ints('perm')
    return [
      () =>
        Transpose(
          c.gradient,
          permutation && { perm: permutation.map((_, axis) => permutation.indexOf(axis)) },
        ),
    ]
  },
  Expand: (c) => [() => unbroadcast(c.gradient, c.input(0))],
}
