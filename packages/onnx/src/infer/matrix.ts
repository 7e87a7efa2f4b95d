/** Types and shapes that matrix products give. */
import { broadcastShapes, type Dim, type Shape } from '../graph/shape'
import type { InferenceContext, InferenceRule } from './context'

const matMul: InferenceRule = (context) => {
  const [a, b] = [context.input(0), context.input(1)]
  if (a.dtype !== b.dtype) context.fail('types must be equal')
  if (a.shape === undefined || b.shape === undefined) return [{ dtype: a.dtype, shape: undefined }]
  if (a.shape.length === 0 || b.shape.length === 0) context.fail('neither operand may be a scalar')
  // As NumPy: a vector on the left is a row, one on the right a column, and the added dimension goes away again.
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape
  expectEqual(context, left[left.length - 1], right[right.length - 2], 'inner dimensions must be equal')
  const batch =
    broadcastShapes(left.slice(0, -2), right.slice(0, -2)) ?? context.fail('batch dimensions must broadcast')
  const shape = [
    ...batch,
    ...(a.shape.length === 1 ? [] : left.slice(-2, -1)),
    ...(b.shape.length === 1 ? [] : right.slice(-1)),
  ]
  return [{ dtype: a.dtype, shape }]
}

const gemm: InferenceRule = (context) => {
  const [a, b, c] = [context.input(0), context.input(1), context.optional(2)]
  if (a.dtype !== b.dtype || (c !== undefined && c.dtype !== a.dtype)) context.fail('types must be equal')
  if (a.shape === undefined || b.shape === undefined) return [{ dtype: a.dtype, shape: undefined }]
  if (a.shape.length !== 2 || b.shape.length !== 2) context.fail('both operands must be matrices')
  const [rows, innerA] = context.int('transA', 0) === 1 ? [a.shape[1], a.shape[0]] : a.shape
  const [innerB, columns] = context.int('transB', 0) === 1 ? [b.shape[1], b.shape[0]] : b.shape
  expectEqual(context, innerA, innerB, 'inner dimensions must be equal')
  if (
    c?.shape !== undefined &&
    (c.shape.length > 2 || broadcastShapes(c.shape, [rows, columns]) === undefined)
  )
    context.fail('the added matrix must broadcast to the product')
  return [{ dtype: a.dtype, shape: [rows, columns] }]
}

/** A subscript of several letters in a row; "..." is one letter, a dot. */
export interface Equation {
  inputs: string[]
  output: string
}

/** The parts of an equation. Without an arrow the output has the letters that occur once, in alphabetical order. */
export function parseEquation(equation: string): Equation {
  const [left, right] = equation.replaceAll(/\s/g, '').replaceAll('...', '.').split('->')
  const letters = Array.from(left.replaceAll(',', '')).filter((letter) => letter !== '.')
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort()
  const output = (right as string | undefined) ?? (left.includes('.') ? '.' : '') + once.join('')
  return { inputs: left.split(','), output }
}

const einsum: InferenceRule = (context) => {
  const { inputs, output } = parseEquation(context.string('equation', ''))
  const { dtype } = context.input(0)
  if (inputs.length !== context.node.inputs.length)
    context.fail('the equation must have a term for each input')
  const lengths = new Map<string, Dim>()
  let batch: Shape | undefined
  for (const [index, term] of inputs.entries()) {
    const { shape, dtype: other } = context.input(index)
    if (other !== dtype) context.fail('types must be equal')
    if (shape === undefined) continue
    const extra = shape.length - term.length + (term.includes('.') ? 1 : 0)
    if (extra < 0 || (extra > 0 && !term.includes('.')))
      context.fail(`term "${term}" must have a letter for each axis`)
    const dims = shape[Symbol.iterator]()
    const next = (): Dim => dims.next().value ?? 1
    for (const letter of term) {
      if (letter === '.') {
        const own = Array.from({ length: extra }, next)
        if (batch !== undefined && batch.length !== own.length) context.fail('ellipses must have one rank')
        batch = broadcastShapes(batch ?? own, own) ?? context.fail('ellipses must broadcast')
        continue
      }
      const [dim, known] = [next(), lengths.get(letter)]
      if (known === undefined || known === 1 || (typeof known === 'string' && dim !== 1))
        lengths.set(letter, dim)
      else if (dim !== 1) expectEqual(context, dim, known, `axes "${letter}" must be equally long`)
    }
  }
  const all = Array.from(output).every((letter) =>
    letter === '.' ? batch !== undefined : lengths.has(letter),
  )
  const at = (letter: string): Shape => (letter === '.' ? (batch ?? []) : [lengths.get(letter) ?? 1])
  return [{ dtype, shape: all ? Array.from(output).flatMap(at) : undefined }]
}

/** Fail when two dimensions are different numbers; names may turn out equal. */
export function expectEqual(context: InferenceContext, a: Dim, b: Dim, rule: string): void {
  if (typeof a === 'number' && typeof b === 'number' && a !== b) context.fail(rule)
}

export const matrix: Record<string, InferenceRule> = { MatMul: matMul, Gemm: gemm, Einsum: einsum }
