/**
 * Gradients of functions of one variable. At a kink the derivative is the left one where PyTorch takes that (0 for
 * `Relu` at 0, say), and the step functions have none at all: they are constant almost everywhere.
 */
import type { GradientContext, GradientRule } from './rule'
import type { Tensor } from '../graph/graph'
import {
  Abs,
  Add,
  And,
  Clip,
  Cos,
  Cosh,
  Div,
  Erf,
  Exp,
  Greater,
  GreaterOrEqual,
  Less,
  LessOrEqual,
  Mul,
  Neg,
  Sigmoid,
  Sign,
  Sin,
  Sinh,
  Softplus,
  Sqrt,
  Sub,
  Tanh,
  Where,
} from '../ops/elementwise'

/** `local(x, y)` is dy/dx. */
const times =
  (local: (x: Tensor, y: Tensor, c: GradientContext) => Tensor): GradientRule =>
  (c) => [() => Mul(c.gradient, local(c.input(0), c.output(), c))]

/** `local(x)` is dx/dy: for derivatives that are a reciprocal. */
const over =
  (local: (x: Tensor) => Tensor): GradientRule =>
  (c) => [() => Div(c.gradient, local(c.input(0)))]

/** A function that is constant almost everywhere has no gradient. */
const step: GradientRule = () => [undefined]

/** 1 - x², without the loss of digits near 1. */
const oneMinusSquare = (x: Tensor): Tensor => Mul(Sub(1, x), Add(x, 1))

const gelu = (x: Tensor): Tensor => {
  const t = Mul(x, Math.SQRT1_2)
  const distribution = Mul(Add(Erf(t), 1), 0.5)
  const density = Mul(Exp(Neg(Mul(t, t))), 1 / Math.sqrt(2 * Math.PI))
  return Add(distribution, Mul(x, density))
}

/** The derivative is s + x s (1 - s) 2u', with s the logistic function of 2u and y = x s. */
const geluTanh = (given: Tensor): Tensor => {
  // Beyond 10 the derivative is 0 or 1 to all digits, and nothing may overflow there in half precision.
  const x = Clip(given, -10, 10)
  const k = Math.sqrt(8 / Math.PI)
  const square = Mul(x, x)
  const s = Sigmoid(Mul(x, Add(Mul(square, k * 0.044715), k)))
  const slope = Add(Mul(square, 3 * k * 0.044715), k)
  return Mul(s, Add(Mul(Mul(x, Sub(1, s)), slope), 1))
}

const mish = (x: Tensor): Tensor => {
  const t = Tanh(Softplus(x))
  return Add(t, Mul(Mul(x, Sigmoid(x)), oneMinusSquare(t)))
}

export const activation: Record<string, GradientRule> = {
  Abs: times((x) => Sign(x)),
  Neg: (c) => [() => Neg(c.gradient)],
  Exp: times((_, y) => y),
  Log: over((x) => x),
  Sqrt: (c) => [() => Div(Mul(c.gradient, 0.5), c.output())],
  Reciprocal: (c) => [() => Neg(Mul(c.gradient, Mul(c.output(), c.output())))],
  Sin: times((x) => Cos(x)),
  Cos: (c) => [() => Neg(Mul(c.gradient, Sin(c.input(0))))],
  Tan: times((_, y) => Add(Mul(y, y), 1)),
  Asin: over((x) => Sqrt(oneMinusSquare(x))),
  Acos: (c) => [() => Neg(Div(c.gradient, Sqrt(oneMinusSquare(c.input(0)))))],
  Atan: over((x) => Add(Mul(x, x), 1)),
  Sinh: times((x) => Cosh(x)),
  Cosh: times((x) => Sinh(x)),
  Tanh: times((_, y) => Sub(1, Mul(y, y))),
  Asinh: over((x) => Sqrt(Add(Mul(x, x), 1))),
  Acosh: over((x) => Sqrt(Mul(Sub(x, 1), Add(x, 1)))),
  Atanh: over(oneMinusSquare),
  Erf: times((x) => Mul(Exp(Neg(Mul(x, x))), 2 / Math.sqrt(Math.PI))),
  Floor: step,
  Ceil: step,
  Round: step,
  Sign: step,

  Sigmoid: times((_, y) => Mul(y, Sub(1, y))),
  Relu: (c) => [() => Where(Greater(c.output(), 0), c.gradient, 0)],
  LeakyRelu: (c) => [
    () => Where(Greater(c.input(0), 0), c.gradient, Mul(c.gradient, c.float('alpha', 0.01))),
  ],
  ThresholdedRelu: (c) => [() => Where(Greater(c.input(0), c.float('alpha', 1)), c.gradient, 0)],
  // Below 0 the next three are a (e^(x/b) - 1), so the derivative follows from y.
  Elu: times((x, y, c) => belowZero(x, Add(y, c.float('alpha', 1)), 1)),
  Selu: times((x, y, c) => {
    const gamma = c.float('gamma', 1.0507009873554805)
    return belowZero(x, Add(y, gamma * c.float('alpha', 1.6732632423543772)), gamma)
  }),
  Celu: times((x, y, c) => belowZero(x, Add(Mul(y, 1 / c.float('alpha', 1)), 1), 1)),
  Softplus: times((x) => Sigmoid(x)),
  Softsign: over((x) => {
    const magnitude = Add(Abs(x), 1)
    return Mul(magnitude, magnitude)
  }),
  HardSigmoid: (c) => [
    () => {
      const inside = And(Greater(c.output(), 0), Less(c.output(), 1))
      return Where(inside, Mul(c.gradient, c.float('alpha', 0.2)), 0)
    },
  ],
  HardSwish: times((x) => {
    const inside = Add(Mul(x, 1 / 3), 0.5)
    const low = Where(LessOrEqual(x, -3), 0, inside)
    return Where(GreaterOrEqual(x, 3), 1, low)
  }),
  Gelu: times((x, _, c) => (c.string('approximate', 'none') === 'tanh' ? geluTanh(x) : gelu(x))),
  Mish: times((x) => mish(x)),
}

function belowZero(x: Tensor, below: Tensor, above: number): Tensor {
  return Where(Greater(x, 0), above, below)
}
