/** Operators that work element by element, with broadcasting. */
import { dtypeOf, isFloat, type DType } from '../graph/dtype'
import { broadcastShapes, sizeOf, type Shape } from '../graph/shape'
import type { InferenceContext, InferenceRule } from './context'
import { elementwiseValue } from './values'

/** Same type and shape as the first input. */
export const like: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  return [{ dtype, shape }]
}

/** The same for operators that take floats only. */
export const float: InferenceRule = (context) => {
  if (!isFloat(context.input(0).dtype)) context.fail('input 0 must be a float')
  return like(context)
}

const classify: InferenceRule = (context) => [{ dtype: 'bool', shape: float(context)[0].shape }]

/** The shape that all inputs broadcast to. */
function broadcastAll(context: InferenceContext): Shape | undefined {
  let result: Shape = []
  for (const input of context.node.inputs) {
    if (input?.shape === undefined) return undefined
    result = broadcastShapes(result, input.shape) ?? context.fail('shapes must broadcast')
  }
  return result
}

const broadcast: InferenceRule = (context) => {
  const { dtype } = context.input(0)
  for (const input of context.node.inputs) if (input?.dtype !== dtype) context.fail('types must be equal')
  return [{ dtype, shape: broadcastAll(context), value: elementwiseValue(context) }]
}

const broadcastOf =
  (what: string, allowed: (dtype: DType) => boolean): InferenceRule =>
  (context) => {
    if (!allowed(context.input(0).dtype)) context.fail(`inputs must be ${what}`)
    return broadcast(context)
  }

const floats = broadcastOf('floats', isFloat)
const logical = broadcastOf('bool', (dtype) => dtype === 'bool')
const integral = broadcastOf('integers', (dtype) => /^u?int/.test(dtype))

const compare: InferenceRule = (context) => [{ ...broadcast(context)[0], dtype: 'bool' }]

/** The exponent may have a type of its own. */
const power: InferenceRule = (context) => [{ dtype: context.input(0).dtype, shape: broadcastAll(context) }]

const modulo: InferenceRule = (context) => {
  if (isFloat(context.input(0).dtype) && context.int('fmod', 0) === 0) context.fail('floats need fmod 1')
  return broadcast(context)
}

/** The slope broadcasts to the input, which keeps its shape. */
const prelu: InferenceRule = (context) => {
  const [x, slope] = [context.input(0), context.input(1)]
  const [{ dtype, shape }] = broadcast(context)
  const grown =
    shape !== undefined &&
    (shape.length !== x.shape?.length ||
      shape.some((dim, axis) => x.shape?.[axis] === 1 && typeof dim === 'number' && dim > 1))
  if (grown && slope.shape !== undefined) context.fail('input 1 must broadcast to input 0')
  return [{ dtype, shape: x.shape }]
}

const clip: InferenceRule = (context) => {
  const { dtype } = context.input(0)
  for (const index of [1, 2]) {
    const bound = context.optional(index)
    if (bound === undefined) continue
    if (bound.dtype !== dtype) context.fail('types must be equal')
    if ((sizeOf(bound.shape) ?? 1) !== 1) context.fail(`bound ${index} must be a single number`)
  }
  return like(context)
}

const where: InferenceRule = (context) => {
  if (context.input(0).dtype !== 'bool') context.fail('the condition must be bool')
  if (context.input(1).dtype !== context.input(2).dtype) context.fail('both values must have one type')
  return [{ dtype: context.input(1).dtype, shape: broadcastAll(context), value: elementwiseValue(context) }]
}

const cast: InferenceRule = (context) => {
  const dtype: DType | undefined = dtypeOf(context.int('to', 0))
  const { shape, value } = context.input(0)
  if (dtype === undefined) return context.fail('attribute "to" must be a known type')
  return [{ dtype, shape, value: dtype === 'int64' || dtype === 'int32' ? value : undefined }]
}

const all = (rule: InferenceRule, names: string): Record<string, InferenceRule> =>
  Object.fromEntries(names.split(' ').map((name) => [name, rule]))

export const elementwise: Record<string, InferenceRule> = {
  ...all(like, 'Abs Neg Sign Relu'),
  ...all(float, 'Exp Log Sqrt Reciprocal Floor Ceil Round Erf'),
  ...all(float, 'Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh'),
  ...all(float, 'Sigmoid LeakyRelu Elu Selu Celu Softplus Softsign HardSigmoid HardSwish'),
  ...all(float, 'Gelu Mish ThresholdedRelu'),
  ...all(classify, 'IsNaN IsInf'),
  ...all(broadcast, 'Add Sub Mul Div Min Max'),
  ...all(floats, 'Sum Mean'),
  ...all(logical, 'And Or Xor'),
  ...all(integral, 'BitwiseAnd BitwiseOr BitwiseXor BitShift'),
  ...all(compare, 'Equal Less LessOrEqual Greater GreaterOrEqual'),
  Identity: (context) => [{ ...like(context)[0], value: context.input(0).value }],
  Not: (context) => {
    if (context.input(0).dtype !== 'bool') context.fail('input 0 must be bool')
    return like(context)
  },
  Mod: modulo,
  PRelu: prelu,
  Clip: clip,
  Pow: power,
  Where: where,
  Cast: cast,
  CastLike: (context) => [{ dtype: context.input(1).dtype, shape: context.input(0).shape }],
}
