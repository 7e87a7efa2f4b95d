/** Gradients of operators that work element by element. Each line is the derivative that a textbook gives. */
import type { GradientRule } from '../grad/rule'
import { unbroadcast } from '../grad/unbroadcast'
import type { Tensor } from '../graph/graph'
import { Div, Mul, Neg, Sub } from '../ops/elementwise'

/** A unary operator: `local(x, y)` is dy/dx. */
const unary =
  (local: (x: Tensor, y: Tensor) => Tensor): GradientRule =>
  (c) => [() => Mul(c.gradient, local(c.input(0), c.output()))]

export const elementwise: Record<string, GradientRule> = {
  Identity: (c) => [() => c.gradient],
  Neg: (c) => [() => Neg(c.gradient)],
  Exp: unary((_, y) => y),
  Log: (c) => [() => Div(c.gradient, c.input(0))],
  Sqrt: (c) => [() => Div(c.gradient, Mul(c.output(), 2))],
  Tanh: unary((_, y) => Sub(1, Mul(y, y))),
  Add: (c) => [() => unbroadcast(c.gradient, c.input(0)), () => unbroadcast(c.gradient, c.input(1))],
  Sub: (c) => [() => unbroadcast(c.gradient, c.input(0)), () => unbroadcast(Neg(c.gradient), c.input(1))],
  Mul: (c) => [
    () => unbroadcast(Mul(c.gradient, c.input(1)), c.input(0)),
    () => unbroadcast(Mul(c.gradient, c.input(0)), c.input(1)),
  ],
  Div: (c) => [
    () => unbroadcast(Div(c.gradient, c.input(1)), c.input(0)),
    () => unbroadcast(Neg(Div(Mul(c.gradient, c.output()), c.input(1))), c.input(1)),
  ],
}
