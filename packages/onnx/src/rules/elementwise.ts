/**
 * Gradients of operators that work element by element. Each line is the derivative that a textbook gives; operands that
 * were broadcast get the sum over the elements that they stood for.
 *
 * Choices where there is none to be had: on a tie `Min` and `Max` share the gradient equally, as PyTorch's `minimum`
 * and `maximum` do. `Clip` passes it at a bound that is just met. `Pow` gives its exponent nothing where the base is 0
 * or below.
 */
import type { GradientContext, GradientRule } from './rule'
import { unbroadcast } from './unbroadcast'
import type { Tensor } from '../graph/graph'
import { Cast, Div, Equal, Greater, Less, Log, Min, Mul, Neg, Pow, Sub, Sum, Where } from '../ops/elementwise'
import { activation } from './activation'
import { numberOf } from './number-of'

/** The gradient of each of any number of inputs, made by `make` in the broadcast shape. */
const variadic =
  (make: (c: GradientContext, x: Tensor) => Tensor): GradientRule =>
  (c) =>
    c.node.inputs.map((_, index) => () => unbroadcast(make(c, c.input(index)), c.input(index)))

/** Min and Max: an equal share for each input that has the extreme value. */
const extreme: GradientRule = (c) => {
  const reached = c.node.inputs.map((_, index) => Equal(c.input(index), c.output()))
  const share = Div(c.gradient, Sum(...reached.map((mask) => Cast(mask, { to: c.gradient.dtype }))))
  return reached.map((mask, index) => () => unbroadcast(Where(mask, share, 0), c.input(index)))
}

const power: GradientRule = (c) => {
  const [x, p] = [c.input(0), c.input(1)]
  const known = numberOf(p)
  const slope = (): Tensor => {
    if (known === 2) return Mul(x, 2)
    if (known !== undefined && known !== 0) return Mul(Pow(x, known - 1), known)
    // Where the exponent is 0 the power is taken as 1, not as 1/x: the product is 0 even for a base of 0.
    const lower = Where(Equal(p, 0), 0, Sub(p, 1))
    return Mul(Pow(x, lower), p.dtype === x.dtype ? p : Cast(p, { to: x.dtype }))
  }
  return [
    () => unbroadcast(known === 1 ? c.gradient : Mul(c.gradient, slope()), x),
    () => {
      const logarithm = Log(Where(Greater(x, 0), x, 1))
      const gradient = Mul(Mul(c.gradient, c.output()), logarithm)
      return unbroadcast(p.dtype === x.dtype ? gradient : Cast(gradient, { to: p.dtype }), p)
    },
  ]
}

export const elementwise: Record<string, GradientRule> = {
  ...activation,
  Identity: (c) => [() => c.gradient],
  Cast: (c) => [() => Cast(c.gradient, { to: c.input(0).dtype })],
  CastLike: (c) => [() => Cast(c.gradient, { to: c.input(0).dtype }), undefined],

  Add: variadic((c) => c.gradient),
  Sum: variadic((c) => c.gradient),
  Mean: variadic((c) => Div(c.gradient, c.node.inputs.length)),
  Min: extreme,
  Max: extreme,
  Sub: (c) => [() => unbroadcast(c.gradient, c.input(0)), () => Neg(unbroadcast(c.gradient, c.input(1)))],
  Mul: (c) => [
    () => unbroadcast(Mul(c.gradient, c.input(1)), c.input(0)),
    () => unbroadcast(Mul(c.gradient, c.input(0)), c.input(1)),
  ],
  Div: (c) => [
    () => unbroadcast(Div(c.gradient, c.input(1)), c.input(0)),
    () => Neg(unbroadcast(Div(Mul(c.gradient, c.output()), c.input(1)), c.input(1))),
  ],
  Pow: power,
  // a - b trunc(a / b), and the truncated quotient is (a - y) / b.
  Mod: (c) => [
    () => unbroadcast(c.gradient, c.input(0)),
    () => {
      const quotient = Div(Sub(c.output(), c.input(0)), c.input(1))
      return unbroadcast(Mul(c.gradient, quotient), c.input(1))
    },
  ],
  Where: (c) => [
    undefined,
    () => unbroadcast(Where(c.input(0), c.gradient, 0), c.input(1)),
    () => unbroadcast(Where(c.input(0), 0, c.gradient), c.input(2)),
  ],
  Clip: (c) => [
    () => Where(Equal(c.input(0), c.output()), c.gradient, 0),
    () => unbroadcast(Where(Less(c.input(0), c.output()), c.gradient, 0), c.input(1)),
    () => unbroadcast(Where(Greater(c.input(0), c.output()), c.gradient, 0), c.input(2)),
  ],
  PRelu: (c) => [
    () => Where(Less(c.input(0), 0), Mul(c.gradient, c.input(1)), c.gradient),
    () => unbroadcast(Mul(c.gradient, Min(c.input(0), 0)), c.input(1)),
  ],
}
