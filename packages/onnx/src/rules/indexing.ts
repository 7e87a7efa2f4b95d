/** Gradients of slices, gathers and scatters: what was taken from a place goes back to it. */
import type { GradientContext, GradientRule } from './rule'
import { Range, zerosLike } from '../ops/creation'
import { Add, Cast, Less, Max, Min, Mul, Sub, Where } from '../ops/elementwise'
import { Gather, GatherElements, GatherND, OneHot, ScatterElements, ScatterND, Slice } from '../ops/indexing'
import { scalar, type Integers } from '../ops/operands'
import { ReduceSum } from '../ops/reduction'
import { Concat, Flatten, Pad, Reshape, Shape, Unsqueeze } from '../ops/shaping'
import { scatterAdd, scatterBack } from './scatter-add'

const none = undefined

const gather: GradientRule = (c) => [
  () => {
    const [x, indices] = [c.input(0), c.input(1)]
    const axis = c.axis(c.int('axis', 0))
    const at = c.integers(1)?.at(0)
    const length = x.shape?.[axis]
    if (indices.shape === undefined) return c.unsupported('the rank of the indices must be known')
    // One entry at a known place: zeros around it, and nothing to add up.
    if (indices.shape.length === 0 && at !== undefined && typeof length === 'number') {
      const place = at < 0 ? at + length : at
      return Pad(Unsqueeze(c.gradient, [axis]), [place, length - 1 - place], none, [axis])
    }
    return scatterAdd(x, indices, c.gradient, axis)
  },
]

/** Rows of `x`, flattened along the indexed axes, by one number each: Horner's scheme over the parts of an index. */
const gatherND: GradientRule = (c) => [
  () => {
    const [x, indices] = [c.input(0), c.input(1)]
    const batch = c.int('batch_dims', 0)
    const [rank, depth] = [indices.shape?.length ?? 0, indices.shape?.at(-1)]
    if (typeof depth !== 'number') return c.unsupported('the depth of the indices must be known')
    const { graph } = x.scope
    const [zero, one] = [scalar(graph, 0), scalar(graph, 1)]
    const length = (axis: number) => Gather(Shape(x), scalar(graph, axis))
    const parts = Array.from({ length: batch + depth }, (_, axis) => {
      if (axis < batch) {
        const spread = Array.from({ length: rank - 1 }, (_, i) => i).filter((i) => i !== axis)
        return Unsqueeze(Range(zero, length(axis), one), spread)
      }
      const part = Gather(indices, scalar(graph, axis - batch), { axis: -1 })
      return Where(Less(part, 0), Add(part, length(axis)), part)
    })
    const rows = parts.reduce((sum, part, axis) => Add(Mul(sum, length(axis)), part))
    const flat = scatterAdd(
      Flatten(x, { axis: batch + depth }),
      Reshape(rows, [-1]),
      Flatten(c.gradient, { axis: rank - 1 }),
      0,
    )
    return Reshape(flat, Shape(x), { allowzero: 1 })
  },
]

/** The reductions `none` and `add` alone pass gradients on: the others would have to know which element won. */
function reduction(c: GradientContext): 'none' | 'add' {
  const given = c.string('reduction', 'none')
  return given === 'none' || given === 'add'
    ? given
    : c.unsupported(`reduction must be "none" or "add", is "${given}"`)
}

const scatterElements: GradientRule = (c) => {
  const axis = c.int('axis', 0)
  return [
    () =>
      reduction(c) === 'add'
        ? c.gradient
        : ScatterElements(c.gradient, c.input(1), zerosLike(c.input(2)), { axis }),
    none,
    () => (reduction(c), GatherElements(c.gradient, c.input(1), { axis })),
  ]
}

const scatterND: GradientRule = (c) => [
  () => (reduction(c) === 'add' ? c.gradient : ScatterND(c.gradient, c.input(1), zerosLike(c.input(2)))),
  none,
  () => (reduction(c), GatherND(c.gradient, c.input(1))),
]

/** Steps of 1: zeros before and after. Other steps: back through the positions that the same slice picks. */
const slice: GradientRule = (c) => [
  () => {
    const [x, starts, ends] = [c.input(0), c.input(1), c.input(2)]
    const [axesGiven, steps] = [c.node.inputs.at(3), c.node.inputs.at(4)]
    const count = starts.shape?.[0]
    const axes =
      axesGiven === undefined
        ? typeof count === 'number' && Array.from({ length: count }, (_, axis) => axis)
        : x.shape && c.integers(3)?.map((axis) => c.axis(axis))
    if (axes && (steps === undefined || c.integers(4)?.every((step) => step === 1) === true))
      return Pad(c.gradient, padding(c, axes), none, axes)
    return scatterBack(x, (positions) => Slice(positions, starts, ends, axesGiven, steps), c.gradient, 'none')
  },
]

/** The padding is what a slice cut off before and after, along each of `axes`. */
function padding(c: GradientContext, axes: readonly number[]): Integers {
  const [x, starts] = [c.input(0), c.input(1)]
  const { graph } = x.scope
  const [from, to] = [c.integers(1), c.integers(2)]
  const lengths = axes.map((axis) => x.shape?.[axis])
  if (from !== undefined && to !== undefined && lengths.every((length) => typeof length === 'number')) {
    const clamp = (at: number, length: number) => Math.max(0, Math.min(length, at < 0 ? at + length : at))
    const before = lengths.map((length, i) => clamp(from[i], length))
    return [...before, ...lengths.map((length, i) => length - Math.max(before[i], clamp(to[i], length)))]
  }
  const at = graph.constant('int64', [axes.length], axes)
  const [own, left] = [Gather(Shape(x), at), Gather(Shape(c.gradient), at)]
  const wide = starts.dtype === 'int64' ? starts : Cast(starts, { to: 'int64' })
  const positive = Where(Less(wide, 0), Add(wide, own), wide)
  const before = Min(Max(positive, scalar(graph, 0)), own)
  return Concat([before, Sub(Sub(own, before), left)], { axis: 0 })
}

const topK: GradientRule = (c) => [
  () => {
    const [gradient, x] = [c.gradients[0], c.input(0)]
    if (gradient === undefined) return zerosLike(x)
    return ScatterElements(zerosLike(x), c.output(1), gradient, { axis: c.int('axis', -1) })
  },
]

/** The values that are put on and off are picked by the indices alone. */
const oneHot: GradientRule = (c) => [
  none,
  none,
  () => {
    const { graph } = c.input(0).scope
    const axis = c.int('axis', -1)
    const values = graph.constant(c.gradient.dtype, [2], [0, 1])
    const on = ReduceSum(Mul(c.gradient, OneHot(c.input(0), c.input(1), values, { axis })), undefined, {
      keepdims: 0,
    })
    const all = ReduceSum(c.gradient, undefined, { keepdims: 0 })
    return Concat([Reshape(Sub(all, on), [1]), Reshape(on, [1])], { axis: 0 })
  },
]

export const indexing: Record<string, GradientRule> = {
  Gather: gather,
  GatherElements: (c) => [
    () =>
      ScatterElements(zerosLike(c.input(0)), c.input(1), c.gradient, {
        axis: c.int('axis', 0),
        reduction: 'add',
      }),
  ],
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  Slice: slice,
  TopK: topK,
  OneHot: oneHot,
}
