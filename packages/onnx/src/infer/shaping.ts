/** Operators that rearrange, and those that speak of shapes. */
import { addDims, multiplyDims, sizeOf, type Dim, type Shape } from '../graph/shape'
import type { InferenceContext, InferenceRule } from './context'

/** What is known of the elements of an integer input. */
export function valueOf(context: InferenceContext, index: number): readonly Dim[] | undefined {
  return context.optional(index)?.value
}

/** Elements of an integer input as plain numbers, when all are known. */
export function numbersOf(context: InferenceContext, index: number): readonly number[] | undefined {
  const value = valueOf(context, index)
  return value?.every((dim) => typeof dim === 'number') === true ? (value) : undefined
}

const reshape: InferenceRule = (context) => {
  const { dtype, shape, value } = context.input(0)
  const target = valueOf(context, 1)
  if (target === undefined) {
    const rank = context.input(1).shape?.[0]
    return [
      {
        dtype,
        shape: typeof rank === 'number' ? Array.from({ length: rank }, () => context.unknown()) : undefined,
      },
    ]
  }
  const zeroCopies = context.int('allowzero', 0) === 0
  const wanted = target.map((dim, axis) =>
    dim === 0 && zeroCopies ? (shape?.[axis] ?? context.unknown()) : dim,
  )
  const open = wanted.indexOf(-1)
  if (open >= 0)
    wanted[open] = rest(
      context,
      shape,
      wanted.filter((_, axis) => axis !== open),
    )
  const [before, after] = [sizeOf(shape), sizeOf(wanted)]
  if (before !== undefined && after !== undefined && before !== after)
    context.fail(`[${wanted.join(', ')}] must hold as many elements`)
  return [{ dtype, shape: wanted, value: wanted.length < 2 ? value : undefined }]
}

/** The dimension that -1 stands for. Equal names cancel; what is left must be numbers, or one name alone. */
function rest(context: InferenceContext, shape: Shape | undefined, others: readonly Dim[]): Dim {
  if (shape === undefined) return context.unknown()
  const names = shape.filter((dim) => typeof dim === 'string')
  for (const dim of others) {
    if (typeof dim === 'number') continue
    const at = names.indexOf(dim)
    if (at < 0) return context.unknown()
    names.splice(at, 1)
  }
  const product = (dims: readonly Dim[]) =>
    dims.reduce<number>((total, dim) => (typeof dim === 'number' ? total * dim : total), 1)
  const [top, bottom] = [product(shape), product(others)]
  if (bottom === 0) return context.unknown()
  if (top % bottom !== 0)
    return names.length > 0 ? context.unknown() : context.fail(`elements must divide by ${bottom}`)
  return names.reduce<Dim>(multiplyDims, top / bottom)
}

const transpose: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  if (shape === undefined) return [{ dtype, shape }]
  const permutation = context.ints('perm') ?? shape.map((_, axis) => shape.length - 1 - axis)
  if ([...permutation].sort((a, b) => a - b).join() !== shape.map((_, axis) => axis).join())
    context.fail(`perm [${permutation.join(', ')}] must name each axis once`)
  return [{ dtype, shape: permutation.map((axis) => shape[axis]) }]
}

const squeeze: InferenceRule = (context) => {
  const { dtype, shape, value } = context.input(0)
  if (shape === undefined) return [{ dtype, shape }]
  const given = context.optional(1) === undefined ? context.ints('axes') : numbersOf(context, 1)
  if (given === undefined && context.optional(1) !== undefined) return [{ dtype, shape: undefined }]
  const axes = given?.map((axis) => context.axis(axis, shape.length))
  const kept = shape.filter((dim, axis) => (axes === undefined ? dim !== 1 : !axes.includes(axis)))
  for (const axis of axes ?? [])
    if (typeof shape[axis] === 'number' && shape[axis] !== 1) context.fail(`axis ${axis} must have length 1`)
  return [{ dtype, shape: kept, value }]
}

const unsqueeze: InferenceRule = (context) => {
  const { dtype, shape, value } = context.input(0)
  const given = context.optional(1) === undefined ? context.ints('axes') : numbersOf(context, 1)
  if (shape === undefined || given === undefined) return [{ dtype, shape: undefined }]
  const rank = shape.length + given.length
  const axes = given.map((axis) => context.axis(axis, rank))
  const old = shape[Symbol.iterator]()
  const result = Array.from({ length: rank }, (_, axis): Dim =>
    axes.includes(axis) ? 1 : (old.next().value ?? 1),
  )
  return [{ dtype, shape: result, value: result.length < 2 ? value : undefined }]
}

const concat: InferenceRule = (context) => {
  const inputs = context.node.inputs.map((_, index) => context.input(index))
  const [{ dtype, shape: first }] = inputs
  if (first === undefined) return [{ dtype, shape: undefined }]
  const axis = context.axis(context.int('axis', 0), first.length)
  const shape = [...first]
  for (const { dtype: other, shape: next } of inputs.slice(1)) {
    if (other !== dtype) context.fail('types must be equal')
    if (next === undefined) return [{ dtype, shape: undefined }]
    if (next.length !== first.length) context.fail('ranks must be equal')
    for (const [i, dim] of next.entries()) {
      if (i === axis) shape[i] = addDims(shape[i], dim)
      else if (typeof dim === 'number' && typeof shape[i] === 'number' && dim !== shape[i])
        context.fail(`all dimensions but axis ${axis} must be equal`)
      else if (typeof dim === 'number') shape[i] = dim
    }
  }
  const values = inputs.map(({ value }) => value)
  const known = first.length === 1 && values.every((value) => value !== undefined)
  return [{ dtype, shape, value: known ? values.flatMap((value) => value) : undefined }]
}

const shapeOf: InferenceRule = (context) => {
  const { shape } = context.input(0)
  if (shape === undefined) return [{ dtype: 'int64', shape: [context.unknown()] }]
  const clamp = (at: number) => Math.max(0, Math.min(shape.length, at < 0 ? at + shape.length : at))
  const value = shape.slice(clamp(context.int('start', 0)), clamp(context.int('end', shape.length)))
  return [{ dtype: 'int64', shape: [value.length], value }]
}

const expand: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  const target = valueOf(context, 1)
  if (shape === undefined || target === undefined) return [{ dtype, shape: undefined }]
  const rank = Math.max(shape.length, target.length)
  const at = (dims: Shape, axis: number): Dim => dims[dims.length - rank + axis] ?? 1
  const result = Array.from({ length: rank }, (_, axis): Dim => {
    const [own, wanted] = [at(shape, axis), at(target, axis)]
    if (typeof own === 'number' && typeof wanted === 'number' && own !== 1 && wanted !== 1 && own !== wanted)
      context.fail(`must broadcast to [${target.join(', ')}]`)
    return wanted === 1 || (typeof own === 'number' && own !== 1) ? own : wanted
  })
  return [{ dtype, shape: result }]
}

const flatten: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  if (shape === undefined) return [{ dtype, shape: [context.unknown(), context.unknown()] }]
  const axis = context.int('axis', 1)
  const at = axis < 0 ? axis + shape.length : axis
  const product = (dims: Shape) => dims.reduce<Dim>(multiplyDims, 1)
  return [{ dtype, shape: [product(shape.slice(0, at)), product(shape.slice(at))] }]
}

export const shaping: Record<string, InferenceRule> = {
  Reshape: reshape,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Flatten: flatten,
  Concat: concat,
  Expand: expand,
  Shape: shapeOf,
  Size: () => [{ dtype: 'int64', shape: [] }],
}
