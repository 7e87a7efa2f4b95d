/** Operators that rearrange, and those that speak of shapes. */
import {
  addDims,
  broadcastShapes,
  divideDims,
  multiplyDims,
  sizeOf,
  type Dim,
  type Shape,
} from '../graph/shape'
import type { InferenceContext, InferenceRule } from './context'
import { like } from './elementwise'
import { numbersOf, valueOf } from './values'

const reshape: InferenceRule = (context) => {
  const { dtype, shape, value } = context.input(0)
  context.integers(1)
  const target = valueOf(context, 1)
  if (target === undefined) {
    const rank = context.input(1).shape?.[0]
    return [
      {
        dtype,
        shape: context.unknownShape(rank),
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

/** The dimension that -1 stands for: equal names cancel. */
function rest(context: InferenceContext, shape: Shape | undefined, others: readonly Dim[]): Dim {
  if (shape === undefined) return context.unknown()
  const product = (dims: readonly Dim[]) => dims.reduce<Dim>(multiplyDims, 1)
  const [all, given] = [product(shape), product(others)]
  const length = given === 0 ? undefined : divideDims(all, given)
  if (length === undefined && typeof all === 'number' && typeof given === 'number' && given !== 0)
    context.fail(`elements must divide by ${given}`)
  return length ?? context.unknown()
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
  if (context.optional(1) !== undefined) context.integers(1)
  if (shape === undefined) return [{ dtype, shape }]
  const given = context.optional(1) === undefined ? context.ints('axes') : numbersOf(context, 1)
  if (given === undefined && context.optional(1) !== undefined) return [{ dtype, shape: undefined }]
  // Without axes, a name that may be 1 leaves even the rank open.
  if (given === undefined && shape.some((dim) => typeof dim === 'string'))
    return [{ dtype, shape: undefined }]
  const axes = given?.map((axis) => context.axis(axis, shape.length))
  const kept = shape.filter((dim, axis) => (axes === undefined ? dim !== 1 : !axes.includes(axis)))
  for (const axis of axes ?? [])
    if (typeof shape[axis] === 'number' && shape[axis] !== 1) context.fail(`axis ${axis} must have length 1`)
  return [{ dtype, shape: kept, value }]
}

const unsqueeze: InferenceRule = (context) => {
  const { dtype, shape, value } = context.input(0)
  if (context.optional(1) !== undefined) context.integers(1)
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
  context.integers(1)
  const target = valueOf(context, 1)
  if (shape === undefined || target === undefined) return [{ dtype, shape: undefined }]
  const result = broadcastShapes(shape, target) ?? context.fail(`must broadcast to [${target.join(', ')}]`)
  return [{ dtype, shape: result }]
}

const flatten: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  if (shape === undefined) return [{ dtype, shape: [context.unknown(), context.unknown()] }]
  const axis = context.int('axis', 1)
  // The rank itself is a valid axis here: everything is before it.
  const at = axis === shape.length ? axis : context.axis(axis, shape.length)
  const product = (dims: Shape) => dims.reduce<Dim>(multiplyDims, 1)
  return [{ dtype, shape: [product(shape.slice(0, at)), product(shape.slice(at))] }]
}

const size: InferenceRule = (context) => {
  const { shape } = context.input(0)
  return [{ dtype: 'int64', shape: [], value: shape && [shape.reduce<Dim>(multiplyDims, 1)] }]
}

/** The axis is split by sizes, or into `num_outputs` equal parts of which the last may be shorter. */
const split: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  if (context.optional(1) !== undefined) context.integers(1)
  const [sizes, known] = [context.optional(1), valueOf(context, 1) ?? context.ints('split')]
  const listed = sizes?.shape?.[0]
  const count = known?.length ?? (typeof listed === 'number' ? listed : context.int('num_outputs', 0))
  if (count < 1 || count > 2 ** 16) context.fail('the sizes of the parts, or their number, must be known')
  if (shape === undefined) return Array.from({ length: count }, () => ({ dtype, shape }))
  const axis = context.axis(context.int('axis', 0), shape.length)
  const length = shape[axis]
  const total = known?.reduce<Dim>(addDims, 0)
  if (typeof total === 'number' && typeof length === 'number' && total !== length)
    context.fail(`split [${known?.join(', ') ?? ''}] must add up to the length of axis ${axis}`)
  const part = (index: number): Dim => {
    if (known !== undefined) return known[index]
    if (sizes !== undefined) return context.unknown()
    if (typeof length === 'string') return divideDims(length, count) ?? context.unknown()
    const whole = Math.ceil(length / count)
    return Math.max(0, Math.min(whole, length - index * whole))
  }
  return Array.from({ length: count }, (_, index) => ({
    dtype,
    shape: shape.map((dim, i) => (i === axis ? part(index) : dim)),
  }))
}

const tile: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  context.integers(1)
  const repeats = valueOf(context, 1)
  if (shape === undefined) return [{ dtype, shape }]
  if (repeats !== undefined && repeats.length !== shape.length)
    context.fail('repeats must have one number for each axis')
  return [
    {
      dtype,
      shape: shape.map((dim, axis) =>
        repeats === undefined ? context.unknown() : multiplyDims(dim, repeats[axis]),
      ),
    },
  ]
}

const pad: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  context.integers(1)
  const pads = valueOf(context, 1)
  if (shape === undefined) return [{ dtype, shape }]
  const axes =
    context.optional(3) === undefined
      ? shape.map((_, axis) => axis)
      : numbersOf(context, 3)?.map((axis) => context.axis(axis, shape.length))
  if (pads === undefined || axes === undefined) return [{ dtype, shape: shape.map(() => context.unknown()) }]
  if (pads.length !== 2 * axes.length)
    context.fail(`pads [${pads.join(', ')}] must have two numbers for each axis`)
  const result = [...shape]
  for (const [i, axis] of axes.entries())
    result[axis] = addDims(shape[axis], addDims(pads[i], pads[axes.length + i]))
  return [{ dtype, shape: result }]
}

const depthToSpace: InferenceRule = (context) => {
  const [shape, block] = blocks(context)
  const { dtype } = context.input(0)
  if (shape === undefined) return [{ dtype, shape }]
  const [batch, channels, height, width] = shape
  const rest = divideDims(channels, block * block)
  if (rest === undefined && typeof channels === 'number')
    context.fail(`channels must divide by ${block * block}`)
  return [
    {
      dtype,
      shape: [batch, rest ?? context.unknown(), multiplyDims(height, block), multiplyDims(width, block)],
    },
  ]
}

const spaceToDepth: InferenceRule = (context) => {
  const [shape, block] = blocks(context)
  const { dtype } = context.input(0)
  if (shape === undefined) return [{ dtype, shape }]
  const [batch, channels, ...sides] = shape
  const smaller = sides.map((side) => {
    const rest = divideDims(side, block)
    if (rest === undefined && typeof side === 'number') context.fail(`sides must divide by ${block}`)
    return rest ?? context.unknown()
  })
  return [{ dtype, shape: [batch, multiplyDims(channels, block * block), ...smaller] }]
}

function blocks(context: InferenceContext): [Shape | undefined, number] {
  const { shape } = context.input(0)
  if (shape !== undefined && shape.length !== 4) context.fail('its input must have four axes')
  const block = context.int('blocksize', 0)
  if (block < 1) context.fail(`blocksize must be at least 1, is ${block}`)
  return [shape, block]
}

const trilu: InferenceRule = (context) => {
  if ((context.input(0).shape?.length ?? 2) < 2) context.fail('its input must have two axes or more')
  return like(context)
}

const reverseSequence: InferenceRule = (context) => {
  const [{ shape }, lengths] = [context.input(0), context.integers(1).shape]
  if (shape !== undefined && shape.length < 2) context.fail('its input must have two axes or more')
  const [count, batch] = [lengths?.[0], shape?.[context.int('batch_axis', 1)]]
  if (typeof count === 'number' && typeof batch === 'number' && count !== batch)
    context.fail('there must be one length for each entry of the batch')
  return like(context)
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
  Size: size,
  Split: split,
  Tile: tile,
  Pad: pad,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Trilu: trilu,
  ReverseSequence: reverseSequence,
}
