/** Matrix products. */
import { broadcastShapes, type Dim } from '../graph/shape'
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

/** Fail when two dimensions are different numbers; names may turn out equal. */
export function expectEqual(context: InferenceContext, a: Dim, b: Dim, rule: string): void {
  if (typeof a === 'number' && typeof b === 'number' && a !== b) context.fail(rule)
}

export const matrix: Record<string, InferenceRule> = { MatMul: matMul, Gemm: gemm }
