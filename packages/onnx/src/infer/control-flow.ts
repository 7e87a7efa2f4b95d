/** `If`, `Loop` and `Scan`: their outputs have the types that the bodies give them. */
import { sameShape, type Dim, type Shape } from '../graph/shape'
import type { Inferred, InferenceRule } from './context'

const conditional: InferenceRule = (context) => {
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

function common(a: Shape | undefined, b: Shape | undefined, unknown: () => Dim): Shape | undefined {
  if (sameShape(a, b)) return a
  if (a === undefined || b?.length !== a.length) return undefined
  return a.map((dim, axis) => (dim === b[axis] ? dim : unknown()))
}

/** Carried values first, then one stacked output for each further output of the body. */
const loop: InferenceRule = (context) => {
  const carried = context.node.inputs.length - 2
  return context
    .body('body')
    .outputs.slice(1)
    .map(({ dtype, shape }, index): Inferred => ({
      dtype,
      shape: index < carried ? shape : shape && [context.unknown(), ...shape],
    }))
}

const scan: InferenceRule = (context) => {
  const scanned = context.int('num_scan_inputs', 0)
  const states = context.node.inputs.length - scanned
  const length = context.optional(states)?.shape?.[0] ?? context.unknown()
  return context.body('body').outputs.map(({ dtype, shape }, index): Inferred => ({
    dtype,
    shape: index < states ? shape : shape && [length, ...shape],
  }))
}

export const controlFlow: Record<string, InferenceRule> = { If: conditional, Loop: loop, Scan: scan }
