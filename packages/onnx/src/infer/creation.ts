/** Tensors from shapes and conditions. */
import type { Attribute } from '../graph/attribute'
import { dtypeCode, dtypeOf } from '../graph/dtype'
import type { InferenceRule } from './context'
import { isAtMost, subtractDims } from '../graph/shape'
import { integersOf } from '../graph/tensor-data'
import { longestValue, valueOf } from './values'

const constantOfShape: InferenceRule = (context) => {
  const value = context.node.attributes.value as Attribute | undefined
  context.integers(0)
  const dtype = value?.type === 'tensor' ? value.value.dtype : 'float32'
  const known = valueOf(context, 0)
  const rank = context.input(0).shape?.[0]
  if (known !== undefined) {
    const [length, fill] = [known[0], value?.type === 'tensor' ? integersOf(value.value)?.[0] : undefined]
    const small = known.length === 1 && typeof length === 'number' && length <= longestValue
    const filled = small && fill !== undefined ? Array.from({ length }, () => fill) : undefined
    return [{ dtype, shape: known, value: filled }]
  }
  return [
    {
      dtype,
      shape: context.unknownShape(rank),
    },
  ]
}

const range: InferenceRule = (context) => {
  const { dtype } = context.input(0)
  for (const input of context.node.inputs) {
    if (input?.dtype !== dtype) context.fail('types must be equal')
    if (input !== undefined && (input.shape?.length ?? 0) > 1) context.fail('bounds must be scalars')
  }
  const [start, limit, delta] = [0, 1, 2].map((index) => valueOf(context, index)?.[0])
  const known = typeof start === 'number' && typeof limit === 'number' && typeof delta === 'number'
  if (known && delta !== 0) {
    const length = Math.max(0, Math.ceil((limit - start) / delta))
    const value = Array.from({ length: Math.min(length, longestValue) }, (_, i) => start + i * delta)
    return [{ dtype, shape: [length], value: length <= longestValue ? value : undefined }]
  }
  const counts = delta === 1 && start !== undefined && limit !== undefined && isAtMost(start, limit)
  return [{ dtype, shape: [counts ? subtractDims(limit, start) : context.unknown()] }]
}

const eyeLike: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  if (shape !== undefined && shape.length !== 2) context.fail('its input must be a matrix')
  return [{ dtype: dtypeOf(context.int('dtype', dtypeCode(dtype))) ?? dtype, shape }]
}

export const creation: Record<string, InferenceRule> = {
  ConstantOfShape: constantOfShape,
  EyeLike: eyeLike,
  NonZero: (context) => [
    { dtype: 'int64', shape: [context.input(0).shape?.length ?? context.unknown(), context.unknown()] },
  ],
  Range: range,
}
