/** What is known of the elements of small integer tensors, so that shapes that are computed stay known. */
import { addDims, maxDims, multiplyDims, quotientDims, sizeOf, subtractDims, type Dim } from '../graph/shape'
import { integersOf } from '../graph/tensor-data'
import type { Tensor } from '../graph/graph'
import type { InferenceContext } from './context'

/** Vectors longer than this are data, not shapes. */
export const longestValue = 64

type Value = readonly Dim[] | undefined

/** What is known of the elements of an integer input. */
export function valueOf(context: InferenceContext, index: number): Value {
  const tensor = context.optional(index)
  return tensor === undefined ? undefined : knownValue(tensor)
}

function knownValue(tensor: Tensor): Value {
  if (tensor.value !== undefined) return tensor.value
  const small = (tensor.shape?.length ?? 2) < 2 && (sizeOf(tensor.shape) ?? Infinity) <= longestValue
  return small ? integersOf(tensor.data) : undefined
}

/** Elements of an integer input as plain numbers, when all are known. */
export function numbersOf(context: InferenceContext, index: number): readonly number[] | undefined {
  return numbersIn(valueOf(context, index))
}

/** A value as plain numbers, when it has no names. */
function numbersIn(value: Value): readonly number[] | undefined {
  return value?.every((dim) => typeof dim === 'number') === true ? value : undefined
}

type Element = (...operands: Dim[]) => Dim | undefined

const arithmetic: ReadonlyMap<string, Element> = new Map<string, Element>([
  ['Add', addDims],
  ['Sub', subtractDims],
  ['Mul', multiplyDims],
  ['Div', quotientDims],
  ['Min', (...dims) => (dims.every((dim) => typeof dim === 'number') ? Math.min(...dims) : undefined)],
  ['Max', (...dims) => dims.reduce(maxDims)],
  // A length is never negative, which decides what exported models ask: is it -1?
  [
    'Equal',
    (a, b) => {
      if (a === b) return 1
      if (typeof a === typeof b) return typeof a === 'number' ? 0 : undefined
      return Number(a) < 0 || Number(b) < 0 ? 0 : undefined
    },
  ],
  ['Where', (condition, a, b) => (typeof condition === 'number' ? (condition === 0 ? b : a) : undefined)],
])

/** The value of an elementwise result, when it is integer arithmetic on values that are known. */
export function elementwiseValue(context: InferenceContext): Value {
  const element = arithmetic.get(context.node.opType)
  if (element === undefined) return undefined
  const values = context.node.inputs.map((input) => input && knownValue(input))
  if (!values.every((value) => value !== undefined)) return undefined
  const length = values.reduce((longest, value) => (longest === 1 ? value.length : longest), 1)
  const result = Array.from({ length }, (_, i) =>
    element(...values.map((value) => (value.length === 1 ? value[0] : value[i]))),
  )
  return result.every((dim) => dim !== undefined) ? result : undefined
}
