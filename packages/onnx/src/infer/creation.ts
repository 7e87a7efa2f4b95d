/** Tensors from shapes and conditions. */
import type { Attribute } from '../graph/attribute'
import type { InferenceRule } from './context'
import { numbersOf, valueOf } from './shaping'

const constantOfShape: InferenceRule = (context) => {
  const value = context.node.attributes.value as Attribute | undefined
  const dtype = value?.type === 'tensor' ? value.value.dtype : 'float32'
  const known = valueOf(context, 0)
  const rank = context.input(0).shape?.[0]
  if (known !== undefined) return [{ dtype, shape: known }]
  return [
    {
      dtype,
      shape: typeof rank === 'number' ? Array.from({ length: rank }, () => context.unknown()) : undefined,
    },
  ]
}

const range: InferenceRule = (context) => {
  const [start, limit, delta] = [0, 1, 2].map((index) => numbersOf(context, index)?.[0])
  const known = start !== undefined && limit !== undefined && delta !== undefined && delta !== 0
  const length = known ? Math.max(0, Math.ceil((limit - start) / delta)) : context.unknown()
  return [{ dtype: context.input(0).dtype, shape: [length] }]
}

export const creation: Record<string, InferenceRule> = {
  ConstantOfShape: constantOfShape,
  NonZero: (context) => [
    { dtype: 'int64', shape: [context.input(0).shape?.length ?? context.unknown(), context.unknown()] },
  ],
  Range: range,
}
