/** Operators that multiply matrices. */
import { checkNames } from '@evolmm/internal'
import { float, int, string } from '../graph/attribute'
import type { Tensor } from '../graph/graph'
import { op } from './operands'

/** Matrix product with NumPy's rules for vectors and batches. */
export function MatMul(a: Tensor, b: Tensor): Tensor {
  return op('MatMul', [a, b])
}

export interface GemmOptions {
  /** @default 1 */
  alpha?: number
  /** @default 1 */
  beta?: number
  /** Use the first matrix transposed. @default 0 */
  transA?: 0 | 1
  /** Use the second matrix transposed, as linear layers store it: [out, in]. @default 0 */
  transB?: 0 | 1
}

/** `alpha A B + beta C` of two matrices. */
export function Gemm(a: Tensor, b: Tensor, c?: Tensor, options: GemmOptions = {}): Tensor {
  checkNames('Gemm', options, { alpha: true, beta: true, transA: true, transB: true })
  const { alpha = 1, beta = 1, transA = 0, transB = 0 } = options
  return op('Gemm', c === undefined ? [a, b] : [a, b, c], {
    attributes: { alpha: float(alpha), beta: float(beta), transA: int(transA), transB: int(transB) },
  })
}

/** Sum of products as the equation says: "bij,bjk->bik". */
export function Einsum(inputs: readonly Tensor[], options: { equation: string }): Tensor {
  checkNames('Einsum', options, { equation: true })
  const { equation } = options
  return op('Einsum', inputs, { attributes: { equation: string(equation) } })
}
