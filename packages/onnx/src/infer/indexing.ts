/** Slices, gathers and scatters. */
import type { Dim } from '../graph/shape'
import type { InferenceRule } from './context'
import { like } from './elementwise'
import { numbersOf } from './shaping'

const gather: InferenceRule = (context) => {
  const [{ dtype, shape, value }, indices] = [context.input(0), context.input(1)]
  if (shape === undefined || indices.shape === undefined) return [{ dtype, shape: undefined }]
  const axis = context.axis(context.int('axis', 0), shape.length)
  const picked = numbersOf(context, 1)
  const known = value !== undefined && picked?.every((index) => Math.abs(index) <= value.length)
  return [
    {
      dtype,
      shape: [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)],
      value: known === true ? picked?.map((index) => value.at(index) ?? 0) : undefined,
    },
  ]
}

const slice: InferenceRule = (context) => {
  const { dtype, shape, value } = context.input(0)
  if (shape === undefined) return [{ dtype, shape }]
  const [starts, ends] = [numbersOf(context, 1), numbersOf(context, 2)]
  const axes = context.optional(3) === undefined ? starts?.map((_, i) => i) : numbersOf(context, 3)
  const steps = context.optional(4) === undefined ? starts?.map(() => 1) : numbersOf(context, 4)
  if (axes === undefined) return [{ dtype, shape: shape.map(() => context.unknown()) }]
  const result: Dim[] = [...shape]
  for (const [i, given] of axes.entries()) {
    const axis = context.axis(given, shape.length)
    result[axis] = sliced(shape[axis], starts?.[i], ends?.[i], steps?.[i]) ?? context.unknown()
  }
  const whole = value !== undefined && steps?.[0] === 1 && starts !== undefined && ends !== undefined
  return [{ dtype, shape: result, value: whole ? value.slice(starts[0], ends[0]) : undefined }]
}

/** Length of a slice; `undefined` when it depends on what is not known. */
function sliced(length: Dim, start?: number, end?: number, step?: number): Dim | undefined {
  if (start === undefined || end === undefined || step === undefined) return undefined
  if (typeof length === 'string') return start === 0 && end >= 2 ** 31 - 1 && step === 1 ? length : undefined
  const clamp = (at: number, low: number, high: number) =>
    Math.max(low, Math.min(high, at < 0 ? at + length : at))
  const from = step > 0 ? clamp(start, 0, length) : clamp(start, -1, length - 1)
  const to = step > 0 ? clamp(end, 0, length) : clamp(end, -1, length - 1)
  return Math.max(0, Math.ceil((to - from) / step))
}

export const indexing: Record<string, InferenceRule> = {
  Gather: gather,
  GatherElements: (context) => [{ dtype: context.input(0).dtype, shape: context.input(1).shape }],
  ScatterElements: like,
  ScatterND: like,
  Slice: slice,
}
