/** Operators that work element by element, with broadcasting. */
import { dtypeOf, type DType } from '../graph/dtype'
import { broadcastShapes, type Shape } from '../graph/shape'
import type { InferenceContext, InferenceRule } from './context'

/** Same type and shape as the first input. */
export const like: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  return [{ dtype, shape }]
}

const likeBool: InferenceRule = (context) => [{ dtype: 'bool', shape: context.input(0).shape }]

/** The shape that all inputs broadcast to. */
export function broadcastAll(context: InferenceContext): Shape | undefined {
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
  return [{ dtype, shape: broadcastAll(context) }]
}

const compare: InferenceRule = (context) => [{ dtype: 'bool', shape: broadcast(context)[0].shape }]

const power: InferenceRule = (context) => [{ dtype: context.input(0).dtype, shape: broadcastAll(context) }]

const where: InferenceRule = (context) => {
  if (context.input(0).dtype !== 'bool') context.fail('the condition must be bool')
  if (context.input(1).dtype !== context.input(2).dtype) context.fail('both values must have one type')
  return [{ dtype: context.input(1).dtype, shape: broadcastAll(context) }]
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
  ...all(
    like,
    'Abs Neg Exp Log Sqrt Reciprocal Floor Ceil Round Sign Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh',
  ),
  ...all(
    like,
    'Asinh Acosh Atanh Sigmoid Erf Relu LeakyRelu Elu Selu Celu Softplus Softsign HardSigmoid HardSwish',
  ),
  ...all(like, 'Gelu Mish ThresholdedRelu Clip Identity Not'),
  ...all(likeBool, 'IsNaN IsInf'),
  ...all(
    broadcast,
    'Add Sub Mul Div Min Max Sum Mean Mod And Or Xor PRelu BitwiseAnd BitwiseOr BitwiseXor BitShift',
  ),
  ...all(compare, 'Equal Less LessOrEqual Greater GreaterOrEqual'),
  Identity: (context) => [{ ...like(context)[0], value: context.input(0).value }],
  Pow: power,
  Where: where,
  Cast: cast,
  CastLike: (context) => [{ dtype: context.input(1).dtype, shape: context.input(0).shape }],
}
