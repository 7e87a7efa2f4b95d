/** The reverse of broadcasting. */
import type { Tensor } from '../graph/graph'
import { sameShape } from '../graph/shape'
import { tensorData } from '../graph/tensor-data'
import { And, Equal, Not } from '../ops/elementwise'
import { ReduceSum } from '../ops/reduction'
import { Concat, Reshape, Shape, Size, Squeeze } from '../ops/shaping'
import { ConstantOfShape, NonZero } from '../ops/creation'
import { Sub } from '../ops/elementwise'

/** `gradient` summed over the axes along which `x` was broadcast, in the shape of `x`. */
export function unbroadcast(gradient: Tensor, x: Tensor): Tensor {
  if (sameShape(gradient.shape, x.shape)) return gradient
  if (gradient.shape === undefined || x.shape === undefined) return unbroadcastAtRunTime(gradient, x)
  const added = gradient.shape.length - x.shape.length
  const axes: number[] = []
  for (const [axis, dim] of gradient.shape.entries()) {
    const own = axis < added ? 1 : x.shape[axis - added]
    if (axis < added || (own === 1 && dim !== 1)) axes.push(axis)
    // A number above 1 was not broadcast; neither was an equal name. Two different names: only the run knows.
    else if (typeof own === 'string' && own !== dim) return unbroadcastAtRunTime(gradient, x)
  }
  // Only leading axes were added: one node sums them away.
  if (added > 0 && axes.length === added) return ReduceSum(gradient, axes, { keepdims: 0 })
  const summed = axes.length === 0 ? gradient : ReduceSum(gradient, axes)
  if (added === 0) return summed
  return Squeeze(
    summed,
    Array.from({ length: added }, (_, axis) => axis),
  )
}

function unbroadcastAtRunTime(gradient: Tensor, x: Tensor): Tensor {
  const [own, wide] = [Shape(x), Shape(gradient)]
  const { graph } = x.scope
  const added = Reshape(Sub(Size(wide), Size(own)), [1])
  const padded = Concat([ConstantOfShape(added, tensorData('int64', [1], [1])), own], { axis: 0 })
  const one = graph.constant('int64', [], [1])
  const broadcast = And(Equal(padded, one), Not(Equal(wide, one)))
  const axes = Reshape(NonZero(broadcast), [-1])
  return Reshape(ReduceSum(gradient, axes, { noop_with_empty_axes: 1 }), own)
}
