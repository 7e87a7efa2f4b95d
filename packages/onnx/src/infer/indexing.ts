/** Slices, gathers and scatters. */
import { isAtMost, subtractDims, type Dim } from '../graph/shape'
import type { InferenceContext, InferenceRule } from './context'
import { like } from './elementwise'
import { expectEqual } from './matrix'
import { numbersOf, valueOf } from './values'

const indexTypes = ['int64', 'int32'] as const

const gather: InferenceRule = (context) => {
  const [{ dtype, shape }, indices] = [context.input(0), context.integers(1, indexTypes)]
  if (shape === undefined || indices.shape === undefined) return [{ dtype, shape: undefined }]
  const axis = context.axis(context.int('axis', 0), shape.length)
  const [value, picked] = [valueOf(context, 0), numbersOf(context, 1)]
  const known = value !== undefined && indices.shape.length < 2
  const at = picked?.map((index) => value?.at(index))
  return [
    {
      dtype,
      shape: [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)],
      value: known && at?.every((dim) => dim !== undefined) === true ? at : undefined,
    },
  ]
}

const gatherElements: InferenceRule = (context) => {
  const [{ dtype, shape }, indices] = [context.input(0), context.integers(1, indexTypes)]
  sameRank(context)
  if (shape !== undefined) context.axis(context.int('axis', 0), shape.length)
  return [{ dtype, shape: indices.shape }]
}

const gatherND: InferenceRule = (context) => {
  // The operator of this name in com.microsoft takes int32 as well.
  const types = context.node.domain === '' ? undefined : indexTypes
  const [{ dtype, shape }, { shape: indices }] = [context.input(0), context.integers(1, types)]
  const depth = indices?.at(-1)
  if (shape === undefined || indices === undefined || typeof depth !== 'number')
    return [{ dtype, shape: undefined }]
  const batch = context.int('batch_dims', 0)
  if (batch + depth > shape.length || batch >= indices.length)
    context.fail('indices must not be deeper than the data')
  for (let axis = 0; axis < batch; axis++)
    expectEqual(context, shape[axis], indices[axis], 'batch dimensions must be equal')
  return [{ dtype, shape: [...indices.slice(0, -1), ...shape.slice(batch + depth)] }]
}

const scatterElements: InferenceRule = (context) => {
  const [data, indices, updates] = [context.input(0), context.integers(1, indexTypes), context.input(2)]
  if (data.dtype !== updates.dtype) context.fail('data and updates must have one type')
  sameRank(context)
  if (data.shape !== undefined) context.axis(context.int('axis', 0), data.shape.length)
  if (indices.shape !== undefined && updates.shape !== undefined) {
    if (indices.shape.length !== updates.shape.length) context.fail('updates must have the shape of indices')
    for (const [axis, dim] of indices.shape.entries())
      expectEqual(context, dim, updates.shape[axis], 'updates must have the shape of indices')
  }
  return like(context)
}

function sameRank(context: InferenceContext): void {
  const [a, b] = [context.input(0).shape, context.input(1).shape]
  if (a !== undefined && b !== undefined && a.length !== b.length)
    context.fail('data and indices must have one rank')
}

const scatterND: InferenceRule = (context) => {
  const [data, { shape: indices }, updates] = [context.input(0), context.integers(1), context.input(2)]
  if (data.dtype !== updates.dtype) context.fail('data and updates must have one type')
  const depth = indices?.at(-1)
  if (data.shape !== undefined && indices !== undefined && typeof depth === 'number') {
    if (depth > data.shape.length) context.fail('indices must not be deeper than the data')
    const wanted = [...indices.slice(0, -1), ...data.shape.slice(depth)]
    const rule = `updates must have shape [${wanted.join(', ')}]`
    if (updates.shape !== undefined && updates.shape.length !== wanted.length) context.fail(rule)
    for (const [axis, dim] of updates.shape?.entries() ?? []) expectEqual(context, dim, wanted[axis], rule)
  }
  return like(context)
}

const slice: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  for (const index of [1, 2, 3, 4])
    if (index < 3 || context.optional(index) !== undefined) context.integers(index, indexTypes)
  if (shape === undefined) return [{ dtype, shape }]
  const [starts, ends] = [valueOf(context, 1), valueOf(context, 2)]
  const lists = [1, 2, 3, 4].map((index) => context.optional(index)?.shape?.[0])
  for (const length of lists)
    if (length !== undefined) expectEqual(context, length, lists[0] ?? length, 'lists must be equally long')
  const count = starts?.length ?? lists[0]
  if (typeof count === 'number' && count > shape.length) context.fail('no axis may be sliced twice')
  const axes =
    context.optional(3) !== undefined
      ? numbersOf(context, 3)
      : typeof count === 'number'
        ? shape.flatMap((_, axis) => (axis < count ? [axis] : []))
        : undefined
  if (axes === undefined) return [{ dtype, shape: shape.map(() => context.unknown()) }]
  const steps = context.optional(4) === undefined ? axes.map(() => 1) : numbersOf(context, 4)
  if (steps?.includes(0) === true) context.fail('steps must not be 0')
  const result: Dim[] = [...shape]
  for (const [i, given] of axes.entries()) {
    const axis = context.axis(given, shape.length)
    result[axis] = sliced(shape[axis], starts?.[i], ends?.[i], steps?.[i]) ?? context.unknown()
  }
  return [{ dtype, shape: result, value: slicedValue(context, starts, ends, steps) }]
}

/** Elements of a vector that a slice with known bounds picks. */
function slicedValue(
  context: InferenceContext,
  starts: readonly Dim[] | undefined,
  ends: readonly Dim[] | undefined,
  steps: readonly number[] | undefined,
): readonly Dim[] | undefined {
  const [value, start, end, step] = [valueOf(context, 0), starts?.[0], ends?.[0], steps?.[0]]
  if (value === undefined || typeof start !== 'number' || typeof end !== 'number' || step === undefined)
    return undefined
  const [from] = bounds(value.length, start, end, step)
  const length = slicedLength(value.length, start, end, step)
  return Array.from({ length }, (_, i) => value[from + i * step])
}

/** Length of a slice; `undefined` when it depends on what is not known. */
function sliced(length: Dim, start?: Dim, end?: Dim, step?: number): Dim | undefined {
  if (start === undefined || end === undefined || step === undefined) return undefined
  if (start === end && step > 0) return 0
  if (typeof length === 'number' && typeof start === 'number' && typeof end === 'number')
    return slicedLength(length, start, end, step)
  const last = typeof end === 'number' && end >= 2 ** 31 - 1 ? length : end
  if (step !== 1 || !isAtMost(0, start) || !isAtMost(start, last) || !isAtMost(last, length)) return undefined
  return start === 0 ? last : subtractDims(last, start)
}

function slicedLength(length: number, start: number, end: number, step: number): number {
  const [from, to] = bounds(length, start, end, step)
  return Math.max(0, Math.ceil((to - from) / step))
}

/** First and past-the-last position: negative ones count from the end, and what is outside is clamped. */
function bounds(length: number, start: number, end: number, step: number): [number, number] {
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1]
  const clamp = (at: number, least: number) => Math.max(least, Math.min(high, at < 0 ? at + length : at))
  return [clamp(start, step > 0 ? low : Math.min(0, high)), clamp(end, low)]
}

/** Values, then their positions. */
const topK: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  context.integers(1)
  const count = valueOf(context, 1)?.[0]
  if (shape === undefined)
    return [
      { dtype, shape },
      { dtype: 'int64', shape },
    ]
  const axis = context.axis(context.int('axis', -1), shape.length)
  const length = shape[axis]
  if (typeof count === 'number' && typeof length === 'number' && count > length)
    context.fail(`k must be at most the length of axis ${axis}, is ${count}`)
  const result = shape.map((dim, i) => (i === axis ? (count ?? context.unknown()) : dim))
  return [
    { dtype, shape: result },
    { dtype: 'int64', shape: result },
  ]
}

const oneHot: InferenceRule = (context) => {
  const [{ shape }, values] = [context.input(0), context.input(2)]
  if (shape === undefined) return [{ dtype: values.dtype, shape }]
  const depth = valueOf(context, 1)?.[0] ?? context.unknown()
  const axis = context.axis(context.int('axis', -1), shape.length + 1)
  return [{ dtype: values.dtype, shape: [...shape.slice(0, axis), depth, ...shape.slice(axis)] }]
}

export const indexing: Record<string, InferenceRule> = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  Slice: slice,
  TopK: topK,
  OneHot: oneHot,
}
