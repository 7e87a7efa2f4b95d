/** `If`, `Loop` and `Scan`: their outputs have the types that the bodies give them. */
import type { DType } from '../graph/dtype'
import { showTensor, type Tensor } from '../graph/graph'
import { isAtMost, isGenerated, sameShape, sizeOf, type Dim, type Shape } from '../graph/shape'
import type { InferenceContext, Inferred, InferenceRule } from './context'
import { expectEqual } from './matrix'
import { valueOf } from './values'

const conditional: InferenceRule = (context) => {
  expectSingle(context, context.input(0), 'bool', 'the condition')
  const [yes, no] = [context.body('then_branch').outputs, context.body('else_branch').outputs]
  if (yes.length !== no.length)
    context.fail(`branches must have as many outputs, but have ${yes.length} and ${no.length}`)
  return yes.map((tensor, index): Inferred => {
    const other = no[index]
    if (tensor.dtype !== other.dtype)
      context.fail(`output ${index} must have one type, but has ${tensor.dtype} and ${other.dtype}`)
    return { dtype: tensor.dtype, shape: common(tensor.shape, other.shape, () => context.unknown()) }
  })
}

/** Fail unless `tensor`, if it is given, is a single element of a type. */
function expectSingle(
  context: InferenceContext,
  tensor: Tensor | undefined,
  dtype: DType,
  what: string,
): void {
  if (tensor !== undefined && (tensor.dtype !== dtype || (sizeOf(tensor.shape) ?? 1) !== 1))
    context.fail(`${what} must be a single ${dtype}, but is ${showTensor(tensor)}`)
}

function common(
  a: Shape | undefined,
  b: Shape | undefined,
  either: (one: Dim, other: Dim) => Dim,
): Shape | undefined {
  if (sameShape(a, b)) return a
  if (a === undefined || b?.length !== a.length) return undefined
  return a.map((dim, axis) => (dim === b[axis] ? dim : either(dim, b[axis])))
}

/** Carried values first, then one stacked output for each further output of the body. */
const loop: InferenceRule = (context) => {
  expectSingle(context, context.optional(0), 'int64', 'the number of trips')
  expectSingle(context, context.optional(1), 'bool', 'the condition')
  expectSingle(context, context.body('body').outputs.at(0), 'bool', 'the condition of the body')
  const carried = context.node.inputs.length - 2
  const outputs = context.body('body').outputs.slice(1)
  if (outputs.length < carried) context.fail(`the body must give ${carried} carried values`)
  const changed = changedLengths(context)
  const trips = tripsOf(context) ?? context.unknown()
  return outputs.map((output, index): Inferred => {
    if (index < carried) return carriedType(context, index + 2, output, changed)
    const { dtype, shape } = output
    return { dtype, shape: shape && [trips, ...outside(context, shape)] }
  })
}

/** Names for what lengths have become after all iterations: one for those that begin alike and change alike. */
function changedLengths(context: InferenceContext): (before: Dim, after: Dim) => Dim {
  const names = new Map<string, Dim>()
  return (before, after) => {
    const key = `${before} ${after}`
    const name = names.get(key) ?? context.unknown()
    names.set(key, name)
    return name
  }
}

/** The number of times that a loop runs, if it is known and nothing ends it before. */
function tripsOf(context: InferenceContext): Dim | undefined {
  const { inputs, outputs } = context.body('body')
  const next = outputs[0].node
  const isFree = next?.opType === 'Identity' && next.inputs[0] === inputs[1] && !context.optional(1)
  const trips = isFree ? valueOf(context, 0)?.[0] : undefined
  return trips !== undefined && isAtMost(0, trips) ? trips : undefined
}

/** A shape as it is known around a body: lengths that inference made up in there have no meaning outside. */
function outside(context: InferenceContext, shape: Shape): Shape {
  return shape.map((dim) => (isGenerated(dim) ? context.unknown() : dim))
}

/** What a value has become after any number of iterations, also none. */
function carriedType(
  context: InferenceContext,
  input: number,
  output: Tensor,
  changed: (before: Dim, after: Dim) => Dim,
): Inferred {
  const { dtype, shape } = context.input(input)
  if (output.dtype !== dtype)
    context.fail(`carried values must keep their types, one becomes ${output.dtype}`)
  return { dtype, shape: common(shape, output.shape, changed) }
}

const scan: InferenceRule = (context) => {
  const scanned = context.int('num_scan_inputs', 0)
  const states = context.node.inputs.length - scanned
  const axes = context.ints('scan_input_axes')
  const lengths = context.node.inputs
    .slice(states)
    .flatMap((input, i) => input?.shape?.at(axes?.[i] ?? 0) ?? [])
  for (const length of lengths)
    expectEqual(context, length, lengths[0], 'scanned inputs must be equally long')
  const length = lengths.find((dim) => typeof dim === 'number') ?? lengths.at(0) ?? context.unknown()
  const changed = changedLengths(context)
  const places = context.ints('scan_output_axes')
  return context.body('body').outputs.map((output, index): Inferred => {
    if (index < states) return carriedType(context, index, output, changed)
    const { dtype, shape } = output
    if (shape === undefined) return { dtype, shape }
    const place = context.axis(places?.[index - states] ?? 0, shape.length + 1)
    const inner = outside(context, shape)
    return { dtype, shape: [...inner.slice(0, place), length, ...inner.slice(place)] }
  })
}

export const controlFlow: Record<string, InferenceRule> = { If: conditional, Loop: loop, Scan: scan }
