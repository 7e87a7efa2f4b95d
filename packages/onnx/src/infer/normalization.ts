/** Types and shapes that softmax and normalisations give. */
import { broadcastShapes, type Shape } from '../graph/shape'
import type { InferenceContext, InferenceRule } from './context'
import { float } from './elementwise'

const alongAxis: InferenceRule = (context) => {
  const { shape } = context.input(0)
  if (shape !== undefined) context.axis(context.int('axis', -1), shape.length)
  return float(context)
}

/** Inputs `first` to `last` must have the type of the input and, where shapes are known, broadcast to what `wanted` says. */
function checkParameters(
  context: InferenceContext,
  last: number,
  what: string,
  wanted: (shape: Shape) => Shape,
): void {
  const { dtype, shape } = context.input(0)
  for (let index = 1; index <= last; index++) {
    const parameter = context.optional(index)
    if (parameter === undefined) continue
    if (parameter.dtype !== dtype) context.fail('types must be equal')
    if (shape === undefined || parameter.shape === undefined) continue
    const full = wanted(shape)
    const together = broadcastShapes(full, parameter.shape)
    if (together === undefined || together.length > full.length || isLarger(together, full))
      context.fail(`input ${index} must ${what}`)
  }
}

/** A shape is larger if broadcasting made a length of 1 longer; a name may turn out to be 1. */
const isLarger = (shape: Shape, than: Shape): boolean =>
  shape.some((dim, axis) => than[axis] === 1 && typeof dim === 'number' && dim !== 1)

/** The rule also gives the mean and the inverse deviation, in float32 whatever the input is. */
const layer: InferenceRule = (context) => {
  const [{ dtype, shape }] = alongAxis(context)
  checkParameters(context, 2, 'broadcast to input 0', (full) => full)
  const axis = shape && context.axis(context.int('axis', -1), shape.length)
  const statistics = shape?.map((dim, at) => (axis !== undefined && at >= axis ? 1 : dim))
  return [
    { dtype, shape },
    { dtype: 'float32', shape: statistics },
    { dtype: 'float32', shape: statistics },
  ]
}

const rms: InferenceRule = (context) => {
  const [{ dtype, shape }] = alongAxis(context)
  checkParameters(context, 1, 'broadcast to input 0', (full) => full)
  return [{ dtype, shape }]
}

/** `[N, C, ...]` with `count` parameters of `[C]`. */
const byChannel =
  (count: number): InferenceRule =>
  (context) => {
    const { shape } = context.input(0)
    if (shape !== undefined && shape.length < 2) context.fail('input 0 must be [N, C, ...]')
    checkParameters(context, count, 'have one element for each channel', (full) => full.slice(1, 2))
    for (let index = 1; index <= count; index++)
      if ((context.input(index).shape?.length ?? 1) !== 1)
        context.fail(`input ${index} must have one dimension`)
    return float(context)
  }

const group: InferenceRule = (context) => {
  const groups = context.int('num_groups', 0)
  const channels = context.input(0).shape?.[1]
  if (groups < 1 || (typeof channels === 'number' && channels % groups !== 0))
    context.fail(`num_groups ${groups} must divide the number of channels`)
  return byChannel(2)(context)
}

const batch: InferenceRule = (context) => {
  const [result] = byChannel(4)(context)
  if (context.int('training_mode', 0) === 0) return [result]
  const channels = [context.input(0).shape?.[1] ?? context.unknown()]
  return [result, { dtype: result.dtype, shape: channels }, { dtype: result.dtype, shape: channels }]
}

export const normalization: Record<string, InferenceRule> = {
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
  LayerNormalization: layer,
  RMSNormalization: rms,
  GroupNormalization: group,
  InstanceNormalization: byChannel(2),
  BatchNormalization: batch,
  Dropout: (context) => [...float(context), { dtype: 'bool', shape: context.input(0).shape }],
}
