/** Gradients of matrix products: two products of the same size each. */
import type { GradientContext, GradientRule } from '../grad/rule'
import { unbroadcast } from '../grad/unbroadcast'
import type { Tensor } from '../graph/graph'
import { Mul } from '../ops/elementwise'
import { Gemm, MatMul } from '../ops/matrix'
import { Squeeze, Transpose, Unsqueeze } from '../ops/shaping'

/** The last two axes exchanged. */
function transposed(x: Tensor): Tensor {
  const rank = x.shape?.length ?? 2
  const perm = Array.from({ length: rank }, (_, axis) => axis)
  perm.push(...perm.splice(-2).reverse())
  return Transpose(x, { perm })
}

const matMul: GradientRule = (c) => {
  const [a, b] = [c.input(0), c.input(1)]
  const [rankA, rankB] = [rank(c, a), rank(c, b)]
  // Vectors as the matrices that they stand for: a row on the left, a column on the right.
  const left = () => (rankA === 1 ? Unsqueeze(a, [0]) : a)
  const right = () => (rankB === 1 ? Unsqueeze(b, [1]) : b)
  const gradient = () => {
    const withRow = rankA === 1 ? Unsqueeze(c.gradient, rankB === 1 ? [0] : [-2]) : c.gradient
    return rankB === 1 ? Unsqueeze(withRow, [-1]) : withRow
  }
  return [
    () => {
      if (rankA > 1) return unbroadcast(MatMul(gradient(), transposed(right())), a)
      return Squeeze(unbroadcast(MatMul(gradient(), transposed(right())), left()), [0])
    },
    () => {
      if (rankB > 1) return unbroadcast(MatMul(transposed(left()), gradient()), b)
      return Squeeze(unbroadcast(MatMul(transposed(left()), gradient()), right()), [1])
    },
  ]
}

function rank(c: GradientContext, x: Tensor): number {
  return x.shape?.length ?? c.unsupported('the ranks of both factors must be known')
}

/** Each of the four cases is a Gemm again, with the transposes moved around instead of carried out. */
const gemm: GradientRule = (c) => {
  const [a, b] = [c.input(0), c.input(1)]
  const [transA, transB] = [c.int('transA', 0) === 1, c.int('transB', 0) === 1]
  const [alpha, beta] = [c.float('alpha', 1), c.float('beta', 1)]
  const product = (x: Tensor, tx: boolean, y: Tensor, ty: boolean) =>
    Gemm(x, y, undefined, { alpha, transA: tx ? 1 : 0, transB: ty ? 1 : 0 })
  return [
    () => (transA ? product(b, transB, c.gradient, true) : product(c.gradient, false, b, !transB)),
    () => (transB ? product(c.gradient, true, a, transA) : product(a, !transA, c.gradient, false)),
    () => unbroadcast(beta === 1 ? c.gradient : Mul(c.gradient, beta), c.input(2)),
  ]
}

export const matrix: Record<string, GradientRule> = { MatMul: matMul, Gemm: gemm }
