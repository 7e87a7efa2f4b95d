/** Gradients of convolutions, which are convolutions. */
import type { GradientContext, GradientRule } from './rule'
import type { Tensor } from '../graph/graph'
import { Conv, ConvTranspose, type ConvOptions } from '../ops/convolution'
import { Add, Cast, Div, Sub } from '../ops/elementwise'
import { Slice } from '../ops/indexing'
import { integers } from '../ops/operands'
import { ReduceSum } from '../ops/reduction'
import { Concat, Expand, Pad, Reshape, Shape, Size, Transpose } from '../ops/shaping'

/** The attributes, all of them written out. */
function optionsOf(c: GradientContext, count: number): Required<ConvOptions> & { pads: number[] } {
  const auto = c.string('auto_pad', 'NOTSET')
  if (auto.startsWith('SAME')) return c.unsupported(`pads must be given in numbers, auto_pad is ${auto}`)
  const list = (name: string, value: number) => c.ints(name) ?? Array.from({ length: count }, () => value)
  return {
    strides: list('strides', 1),
    dilations: list('dilations', 1),
    pads: c.ints('pads') ?? Array.from({ length: 2 * count }, () => 0),
    group: c.int('group', 1),
  }
}

function spatialAxes(c: GradientContext, x: Tensor): number[] {
  const rank = x.shape?.length ?? c.unsupported('the rank of its input must be known')
  return Array.from({ length: rank - 2 }, (_, i) => i + 2)
}

const conv: GradientRule = (c) => {
  const [x, weight] = [c.input(0), c.input(1)]
  const axes = spatialAxes(c, x)
  const options = optionsOf(c, axes.length)
  return [
    () => {
      const { strides, pads, dilations, group } = options
      if (strides?.every((stride) => stride === 1))
        return ConvTranspose(c.gradient, weight, undefined, options)
      // What the last stride did not reach has no gradient: the result is brought to length afterwards.
      const full = ConvTranspose(c.gradient, weight, undefined, { strides, dilations, group })
      const { graph } = x.scope
      const before = integers(graph, pads.slice(0, axes.length))
      const after = Sub(Add(Shape(x, { start: 2 }), before), Shape(full, { start: 2 }))
      const cut = integers(
        graph,
        pads.slice(0, axes.length).map((pad) => -pad),
      )
      return Pad(full, Concat([cut, after], { axis: 0 }), undefined, axes)
    },
    () => weightGradient(x, c.gradient, weight, options, axes),
    () => ReduceSum(c.gradient, [0, ...axes], { keepdims: 0 }),
  ]
}

const convTranspose: GradientRule = (c) => {
  const [x, weight] = [c.input(0), c.input(1)]
  const axes = spatialAxes(c, x)
  const options = optionsOf(c, axes.length)
  if (c.ints('output_shape') !== undefined) c.unsupported('pads must be given, not output_shape')
  return [
    () => Conv(c.gradient, weight, undefined, options),
    () => weightGradient(c.gradient, x, weight, options, axes),
    () => ReduceSum(c.gradient, [0, ...axes], { keepdims: 0 }),
  ]
}

/**
 * The gradient for `weight` of a convolution of `x` [N, G C, ...] whose output has the gradient `y` [N, O, ...] is
 * itself a convolution: `x` with `y`, samples as channels and the other way round, strides and dilations exchanged.
 */
function weightGradient(
  x: Tensor,
  y: Tensor,
  weight: Tensor,
  { strides, dilations, pads, group }: ConvOptions,
  axes: readonly number[],
): Tensor {
  const swap = (tensor: Tensor) => Transpose(tensor, { perm: [1, 0, ...axes] })
  const product = Conv(group === 1 ? swap(x) : grouped(x, weight, group ?? 1, axes), swap(y), undefined, {
    strides: dilations,
    dilations: strides,
    pads,
    ...(group !== undefined && { group }),
  })
  const kernel = Shape(weight, { start: 2 })
  const zeros = axes.map(() => 0)
  return swap(Slice(product, zeros, kernel, axes))
}

/** The input `x` [N, G C, ...] with batch and channels exchanged within each group: [C, G N, ...]. */
function grouped(x: Tensor, weight: Tensor, group: number, axes: readonly number[]): Tensor {
  const { graph } = x.scope
  const [channels, sides] = [Shape(weight, { start: 1, end: 2 }), Shape(x, { start: 2 })]
  const batch = Shape(x, { end: 1 })
  const apart = Reshape(x, Concat([batch, integers(graph, [group]), channels, sides], { axis: 0 }))
  const turned = Transpose(apart, { perm: [2, 1, 0, ...axes.map((axis) => axis + 1)] })
  return Reshape(turned, Concat([channels, integers(graph, [-1]), sides], { axis: 0 }))
}

export const convolution: Record<string, GradientRule> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  GlobalAveragePool: (c) => [
    () => {
      const [x, y] = [c.input(0), c.output()]
      const count = (tensor: Tensor) => Cast(Size(tensor), { to: x.dtype })
      return Expand(Div(c.gradient, Div(count(x), count(y))), Shape(x))
    },
  ],
}
