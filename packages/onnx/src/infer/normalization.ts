/** Softmax and normalisations. */
import type { InferenceRule } from './context'
import { like } from './elementwise'

const alongAxis: InferenceRule = (context) => {
  const { shape } = context.input(0)
  if (shape !== undefined) context.axis(context.int('axis', -1), shape.length)
  return like(context)
}

export const normalization: Record<string, InferenceRule> = {
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
}
