/**
 * Gradients of reductions: the gradient goes back to where the elements came from. Ties of `ReduceMax` and `ReduceMin`
 * share it equally, as in PyTorch's `amax`; the norm of zeros gives zeros.
 *
 * Below, small tensors are the reduced ones, with their reduced axes back as length 1: what can be done there is done
 * there, before anything of the input's size.
 */
import { countOf } from '@evolmm/internal'
import type { GradientContext, GradientRule } from './rule'
import type { Tensor } from '../graph/graph'
import { lengths } from '../ops/operands'
import { integersOf } from '../graph/tensor-data'
import { Add, Cast, Div, Equal, Exp, Mul, Sign, Sub, Where } from '../ops/elementwise'
import { CumSum, ReduceProd, ReduceSum } from '../ops/reduction'
import { Expand, Size, Unsqueeze } from '../ops/shaping'

/** Axes from the input (opset 18 on, 13 for ReduceSum) or the attribute; `undefined`: only known at run time. */
function axesOf(c: GradientContext): number[] | undefined {
  const given = c.has(1) ? integersOf(c.input(1).data) : (c.ints('axes') ?? [])
  if (given === undefined || given.length > 0) return given
  return isNoop(c) ? [] : Array.from({ length: c.axis(-1) + 1 }, (_, axis) => axis)
}

/** A reduction does nothing if an empty list of axes means none, and not all. */
function isNoop(c: GradientContext): boolean {
  return c.int('noop_with_empty_axes', 0) === 1
}

/** A tensor in the reduced shape with its reduced axes back, as length 1. */
function withAxes(c: GradientContext, y: Tensor): Tensor {
  if (c.int('keepdims', 1) === 1) return y
  const axes = axesOf(c)
  if (axes === undefined) return Unsqueeze(y, c.input(1))
  return axes.length === 0 ? y : Unsqueeze(y, axes)
}

/** The same reduction's axes, for other reductions of tensors like the input. */
function sameAxes(c: GradientContext): [axes: number[] | Tensor, options: { noop_with_empty_axes: 0 | 1 }] {
  return [axesOf(c) ?? c.input(1), { noop_with_empty_axes: isNoop(c) ? 1 : 0 }]
}

/** A small tensor in the shape of the input. */
function spread(c: GradientContext, small: Tensor): Tensor {
  return Expand(small, lengths(c.input(0)))
}

/** The count is the number of elements that each result was made from: a number if the shape tells, else a tensor. */
function count(c: GradientContext): number | Tensor {
  const [x, y] = [c.input(0), c.output()]
  const lengths = x.shape && axesOf(c)?.map((axis) => x.shape?.at(axis))
  if (lengths?.every((length) => typeof length === 'number') === true) return countOf(lengths)
  return Div(Cast(Size(x), { to: x.dtype }), Cast(Size(y), { to: x.dtype }))
}

/** `make` gets the input, and gradient and output with their axes back. */
const reduce =
  (make: (c: GradientContext, x: Tensor, gradient: Tensor, y: () => Tensor) => Tensor): GradientRule =>
  (c) => [() => make(c, c.input(0), withAxes(c, c.gradient), () => withAxes(c, c.output())), undefined]

const extreme = reduce((c, x, gradient, y) => {
  const [axes, options] = sameAxes(c)
  const reached = Equal(x, y())
  const share = Div(gradient, ReduceSum(Cast(reached, { to: x.dtype }), axes, options))
  return Where(reached, share, 0)
})

/** The product of the others. With zeros set to 1 it is the product over the element, where no other is zero. */
const product = reduce((c, x, gradient) => {
  const [axes, options] = sameAxes(c)
  const isZero = Equal(x, 0)
  const filled = Where(isZero, 1, x)
  const zeros = Cast(isZero, { to: x.dtype })
  const alone = Equal(ReduceSum(zeros, axes, options), zeros)
  const whole = Mul(gradient, ReduceProd(filled, axes, options))
  return Where(alone, Div(whole, filled), 0)
})

const logSumExp = reduce((c, x, gradient, y) => {
  // The result is -infinity where all elements are: their shares are 0, not the exponential of a NaN.
  const result = y()
  const finite = Where(Equal(result, -Infinity), 0, result)
  return Mul(Exp(Sub(x, finite)), gradient)
})

export const reduction: Record<string, GradientRule> = {
  ReduceSum: reduce((c, _, gradient) => spread(c, gradient)),
  ReduceMean: reduce((c, _, gradient) => {
    const n = count(c)
    return spread(c, n === 1 ? gradient : Div(gradient, n))
  }),
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceProd: product,
  ReduceL1: reduce((_, x, gradient) => Mul(Sign(x), gradient)),
  ReduceL2: reduce((_, x, gradient, y) => {
    const norm = y()
    return Mul(x, Div(gradient, Where(Equal(norm, 0), 1, norm)))
  }),
  ReduceLogSum: reduce((c, _, gradient, y) => spread(c, Div(gradient, Exp(y())))),
  ReduceLogSumExp: logSumExp,
  ReduceSumSquare: reduce((_, x, gradient) => Mul(x, Add(gradient, gradient))),
  CumSum: (c) => [
    () =>
      CumSum(c.gradient, c.input(1), {
        exclusive: c.int('exclusive', 0) === 1 ? 1 : 0,
        reverse: c.int('reverse', 0) === 1 ? 0 : 1,
      }),
    undefined,
  ],
}
