/** Gradients of operators that rearrange: the same elements, back in their old places. */
import type { GradientRule } from './rule'
import { unbroadcast } from './unbroadcast'
import { isTensor, type Tensor } from '../graph/graph'
import type { Dim } from '../graph/shape'
import { zerosLike } from '../ops/creation'
import { Add, Div, Neg, Sub } from '../ops/elementwise'
import { Slice } from '../ops/indexing'
import { integers, lengths } from '../ops/operands'
import { ReduceSum } from '../ops/reduction'
import {
  Concat,
  DepthToSpace,
  Pad,
  Reshape,
  ReverseSequence,
  Shape,
  SpaceToDepth,
  Transpose,
  Trilu,
  Unsqueeze,
} from '../ops/shaping'
import { scatterBack } from './scatter-add'

/** Back to the shape of the input. */
const restore: GradientRule = (c) => [() => Reshape(c.gradient, lengths(c.input(0)), { allowzero: 1 })]

const transpose: GradientRule = (c) => {
  const perm = c.ints('perm')
  return [() => Transpose(c.gradient, perm && { perm: perm.map((_, axis) => perm.indexOf(axis)) })]
}

/** Each input gets its stretch of the gradient. */
const concat: GradientRule = (c) => {
  const axis = c.int('axis', 0)
  const { graph } = c.input(0).scope
  const length = (index: number): Dim | Tensor => {
    const dim = c.input(index).shape?.at(axis)
    return typeof dim === 'number' ? dim : lengthAlong(c.input(index), axis)
  }
  const tensor = (dim: Dim | Tensor): Tensor => (isTensor(dim) ? dim : integers(graph, [Number(dim)]))
  const plus = (a: Dim | Tensor, b: Dim | Tensor): Dim | Tensor =>
    typeof a === 'number' && typeof b === 'number' ? a + b : Add(tensor(a), tensor(b))
  // Where each input begins, as far as it has been asked for.
  const starts: (Dim | Tensor)[] = [0]
  const start = (index: number): Dim | Tensor => {
    for (let i = starts.length; i <= index; i++) starts.push(plus(starts[i - 1], length(i - 1)))
    return starts[index]
  }
  return c.node.inputs.map(
    (_, index) => () => Slice(c.gradient, tensor(start(index)), tensor(start(index + 1)), [axis]),
  )
}

/** Length of one axis as an int64 vector of one element. */
function lengthAlong(x: Tensor, axis: number): Tensor {
  return Shape(x, axis === -1 ? { start: axis } : { start: axis, end: axis + 1 })
}

/** The parts together again, zeros where the loss does not depend on one. */
const split: GradientRule = (c) => [
  () =>
    join(
      c.node.outputs.map((_, index) => c.gradients[index] ?? zerosLike(c.output(index))),
      c.int('axis', 0),
    ),
]

/** `Concat` in steps of few inputs: shaders cannot take many. */
function join(parts: readonly Tensor[], axis: number): Tensor {
  const width = 8
  if (parts.length <= width) return Concat(parts, { axis })
  const joined = Array.from({ length: Math.ceil(parts.length / width) }, (_, i) =>
    join(parts.slice(i * width, (i + 1) * width), axis),
  )
  return join(joined, axis)
}

/** Repeats become axes of their own, which are summed. */
const tile: GradientRule = (c) => [
  () => {
    const [x, repeats] = [c.input(0), c.input(1)]
    const rank = x.shape?.length ?? c.unsupported('the rank of its input must be known')
    if (rank === 0) return c.gradient
    const pairs = Concat([Unsqueeze(repeats, [1]), Unsqueeze(Shape(x), [1])], { axis: 1 })
    const apart = Reshape(c.gradient, Reshape(pairs, [2 * rank]), { allowzero: 1 })
    const axes = Array.from({ length: rank }, (_, axis) => 2 * axis)
    return ReduceSum(apart, axes, { keepdims: 0 })
  },
]

/** Padding with the opposite numbers cuts off what was added; other modes repeat elements, whose gradients are summed. */
const pad: GradientRule = (c) => {
  const [x, pads, axes] = [c.input(0), c.input(1), c.node.inputs.at(3)]
  const mode = c.string('mode', 'constant')
  const opposite = c.integers(1)?.map((count) => -count) ?? Neg(pads)
  const inner = () => Pad(c.gradient, opposite, undefined, axes)
  return [
    () => {
      if (mode === 'constant') return inner()
      if (mode !== 'reflect' && mode !== 'edge' && mode !== 'wrap')
        return c.unsupported(`mode must be a known one, is "${mode}"`)
      return scatterBack(x, (positions) => Pad(positions, pads, undefined, axes, { mode }), c.gradient, 'add')
    },
    undefined,
    () => {
      const total = (part: Tensor) => ReduceSum(part, undefined, { keepdims: 0 })
      return Reshape(Sub(total(c.gradient), total(inner())), lengths(c.input(2)))
    },
  ]
}

const depthToSpace: GradientRule = (c) => [
  () => {
    const blocksize = c.int('blocksize', 1)
    if (c.string('mode', 'DCR') === 'DCR') return SpaceToDepth(c.gradient, { blocksize })
    // [N, C, H b, W b] as [N, C, H, b, W, b], to [N, C, b, b, H, W].
    const x = c.input(0)
    const block = integers(x.scope.graph, [blocksize])
    const at = (axis: number) => lengthAlong(x, axis)
    const channels = Div(at(1), integers(x.scope.graph, [blocksize * blocksize]))
    const apart = Concat([at(0), channels, at(2), block, at(3), block], { axis: 0 })
    const blocks = Transpose(Reshape(c.gradient, apart, { allowzero: 1 }), { perm: [0, 1, 3, 5, 2, 4] })
    return Reshape(blocks, lengths(x), { allowzero: 1 })
  },
]

const trilu: GradientRule = (c) => [
  () => Trilu(c.gradient, c.node.inputs.at(1), { upper: c.int('upper', 1) === 1 ? 1 : 0 }),
]

const reverseSequence: GradientRule = (c) => {
  const axis = (name: string, otherwise: number) => (c.int(name, otherwise) === 0 ? 0 : 1)
  const axes = { batch_axis: axis('batch_axis', 1), time_axis: axis('time_axis', 0) } as const
  return [() => ReverseSequence(c.gradient, c.input(1), axes)]
}

export const shaping: Record<string, GradientRule> = {
  Reshape: restore,
  Flatten: restore,
  Squeeze: restore,
  Unsqueeze: restore,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Expand: (c) => [() => unbroadcast(c.gradient, c.input(0))],
  Tile: tile,
  Pad: pad,
  DepthToSpace: depthToSpace,
  SpaceToDepth: (c) => [() => DepthToSpace(c.gradient, { blocksize: c.int('blocksize', 1) })],
  Trilu: trilu,
  ReverseSequence: reverseSequence,
}
