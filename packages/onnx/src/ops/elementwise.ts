/** Operators that work element by element, with NumPy broadcasting. */
import { checkNames } from '@evolmm/internal'
import { float, int, string, type Attribute } from '../graph/attribute'
import { dtypeCode, type DType } from '../graph/dtype'
import { graphOf, type Operand } from './emit'
import { isTensor, type Tensor } from '../graph/graph'
import { op } from './operands'

type Unary = (x: Tensor) => Tensor
type Binary = (a: Operand, b: Operand) => Tensor
type Variadic = (...inputs: Operand[]) => Tensor

const unary =
  (opType: string): Unary =>
  (x) =>
    op(opType, [x])
const binary =
  (opType: string): Binary =>
  (a, b) =>
    op(opType, [a, b])
const variadic =
  (opType: string): Variadic =>
  (...inputs) =>
    op(opType, inputs)

export const Abs = unary('Abs')
export const Neg = unary('Neg')
export const Exp = unary('Exp')
export const Log = unary('Log')
export const Sqrt = unary('Sqrt')
export const Reciprocal = unary('Reciprocal')
export const Floor = unary('Floor')
export const Ceil = unary('Ceil')
export const Round = unary('Round')
export const Sign = unary('Sign')
export const Sin = unary('Sin')
export const Cos = unary('Cos')
export const Tan = unary('Tan')
export const Asin = unary('Asin')
export const Acos = unary('Acos')
export const Atan = unary('Atan')
export const Sinh = unary('Sinh')
export const Cosh = unary('Cosh')
export const Tanh = unary('Tanh')
export const Asinh = unary('Asinh')
export const Acosh = unary('Acosh')
export const Atanh = unary('Atanh')
export const Sigmoid = unary('Sigmoid')
export const Erf = unary('Erf')
export const Relu = unary('Relu')
export const Softplus = unary('Softplus')
export const Softsign = unary('Softsign')
export const HardSwish = unary('HardSwish')
export const Mish = unary('Mish')
export const Identity = unary('Identity')
export const Not = unary('Not')
export const IsNaN = unary('IsNaN')
export const IsInf = unary('IsInf')

export const Add = binary('Add')
export const Sub = binary('Sub')
export const Mul = binary('Mul')
export const Div = binary('Div')
export const Pow = binary('Pow')
export const And = binary('And')
export const Or = binary('Or')
export const Xor = binary('Xor')
export const Equal = binary('Equal')
export const Less = binary('Less')
export const LessOrEqual = binary('LessOrEqual')
export const Greater = binary('Greater')
export const GreaterOrEqual = binary('GreaterOrEqual')
export const PRelu = binary('PRelu')
export const BitwiseAnd = binary('BitwiseAnd')
export const BitwiseOr = binary('BitwiseOr')
export const BitwiseXor = binary('BitwiseXor')

export const Min = variadic('Min')
export const Max = variadic('Max')
export const Sum = variadic('Sum')
export const Mean = variadic('Mean')

/** Remainder. For floats `fmod` must be 1, and the sign is the dividend's. */
export function Mod(a: Operand, b: Operand, options: { fmod?: 0 | 1 } = {}): Tensor {
  checkNames('Mod', options, { fmod: true })
  const { fmod = 0 } = options
  return op('Mod', [a, b], { attributes: { fmod: int(fmod) } })
}

/** Shift of unsigned integers. */
export function BitShift(a: Operand, b: Operand, options: { direction: 'LEFT' | 'RIGHT' }): Tensor {
  checkNames('BitShift', options, { direction: true })
  const { direction } = options
  return op('BitShift', [a, b], { attributes: { direction: string(direction) } })
}

/** `condition ? a : b`, all three broadcast. */
export function Where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const value = typeof a === 'number' ? b : a
  const other = (x: Operand): Operand =>
    typeof x === 'number' && isTensor(value)
      ? graphOf('Where', [condition]).constant(value.dtype, [], [x])
      : x
  return op('Where', [condition, other(a), other(b)])
}

export function Cast(x: Tensor, options: { to: DType }): Tensor {
  checkNames('Cast', options, { to: true })
  const { to } = options
  return op('Cast', [x], { attributes: { to: int(dtypeCode(to)) } })
}

/** `x` in the type of `like`. */
export function CastLike(x: Tensor, like: Tensor): Tensor {
  return op('CastLike', [x, like])
}

/** Limit to [min, max]; either may be left out. */
export function Clip(x: Tensor, min?: Operand, max?: Operand): Tensor {
  return op('Clip', max === undefined ? [x, min] : [x, min, max])
}

const withAlpha =
  (opType: string, standard: Record<string, number>) =>
  (x: Tensor, options: Record<string, number | undefined> = {}): Tensor => {
    const known = Object.fromEntries(Object.keys(standard).map((name) => [name, true as const]))
    checkNames(opType, options, known)
    const attributes: Record<string, Attribute> = {}
    for (const [name, value] of Object.entries(standard)) attributes[name] = float(options[name] ?? value)
    return op(opType, [x], { attributes })
  }

export const LeakyRelu: (x: Tensor, options?: { alpha?: number }) => Tensor = withAlpha('LeakyRelu', {
  alpha: 0.01,
})
export const Elu: (x: Tensor, options?: { alpha?: number }) => Tensor = withAlpha('Elu', { alpha: 1 })
export const Celu: (x: Tensor, options?: { alpha?: number }) => Tensor = withAlpha('Celu', { alpha: 1 })
export const Selu: (x: Tensor, options?: { alpha?: number; gamma?: number }) => Tensor = withAlpha('Selu', {
  alpha: 1.6732632423543772,
  gamma: 1.0507009873554805,
})
export const HardSigmoid: (x: Tensor, options?: { alpha?: number; beta?: number }) => Tensor = withAlpha(
  'HardSigmoid',
  { alpha: 0.2, beta: 0.5 },
)
export const ThresholdedRelu: (x: Tensor, options?: { alpha?: number }) => Tensor = withAlpha(
  'ThresholdedRelu',
  {
    alpha: 1,
  },
)

export function Gelu(x: Tensor, options: { approximate?: 'none' | 'tanh' } = {}): Tensor {
  checkNames('Gelu', options, { approximate: true })
  const { approximate = 'none' } = options
  return op('Gelu', [x], { attributes: { approximate: string(approximate) } })
}
