/** Gradients of reductions: the gradient goes back to where the elements came from. */
import type { GradientContext, GradientRule } from '../grad/rule'
import type { Tensor } from '../graph/graph'
import { Cast, Div } from '../ops/elementwise'
import { Expand, Reshape, Shape, Size, Unsqueeze } from '../ops/shaping'
import { integersOf } from '../graph/tensor-data'

/** A tensor in the reduced shape with its reduced axes back, as length 1. */
function withAxes(c: GradientContext, y: Tensor): Tensor {
  if (c.int('keepdims', 1) === 1) return y
  const x = c.input(0)
  const axes = c.has(1) ? integersOf(c.input(1).data) : c.ints('axes')
  if (axes !== undefined && axes.length > 0) return Unsqueeze(y, axes)
  if (c.has(1) && axes === undefined) return Unsqueeze(y, c.input(1))
  if (c.int('noop_with_empty_axes', 0) === 1) return y
  const rank = x.shape?.length ?? c.unsupported('the rank of its input must be known')
  return Reshape(
    y,
    Array.from({ length: rank }, () => 1),
  )
}

const spread = (c: GradientContext): Tensor => Expand(withAxes(c, c.gradient), Shape(c.input(0)))

export const reduction: Record<string, GradientRule> = {
  ReduceSum: (c) => [() => spread(c)],
  ReduceMean: (c) => [
    () => {
      const [x, y] = [c.input(0), c.output()]
      const count = Div(Cast(Size(x), { to: x.dtype }), Cast(Size(y), { to: x.dtype }))
      return Div(spread(c), count)
    },
  ],
}
