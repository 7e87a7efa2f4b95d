/** Gradients of matrix products: two products of the same size each. */
import type { GradientContext, GradientRule } from './rule'
import { unbroadcast } from './unbroadcast'
import type { Tensor } from '../graph/graph'
import { valuesOf } from '../graph/remade'
import { Mul } from '../ops/elementwise'
import { parseEquation } from '../infer/matrix'
import { Einsum, Gemm, MatMul } from '../ops/matrix'
import { lengths } from '../ops/operands'
import { Expand, Flatten, Reshape, Shape, Squeeze, Transpose, Unsqueeze } from '../ops/shaping'

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
  if (rankA > 2 && rankB === 2) return linear(c, a, b)
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

/**
 * Many rows by one matrix, as in every linear layer: as two-dimensional products. The gradient of the matrix needs no
 * sum over batches then, and the transposed matrix is never written down.
 */
function linear(c: GradientContext, a: Tensor, b: Tensor): (() => Tensor)[] {
  const rows = (x: Tensor) => Flatten(x, { axis: (x.shape?.length ?? rank(c, a)) - 1 })
  return [
    () => Reshape(Gemm(rows(c.gradient), b, undefined, { transB: 1 }), lengths(a), { allowzero: 1 }),
    () => Gemm(rows(valuesOf(a)), rows(c.gradient), undefined, { transA: 1 }),
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
    () => {
      const y = valuesOf(b)
      return transA ? product(y, transB, c.gradient, true) : product(c.gradient, false, y, !transB)
    },
    () => {
      const x = valuesOf(a)
      return transB ? product(c.gradient, true, x, transA) : product(x, !transA, c.gradient, false)
    },
    () => unbroadcast(beta === 1 ? c.gradient : Mul(c.gradient, beta), c.input(2)),
  ]
}

/**
 * The same sum with the operand and the output exchanged. Letters that only the operand has were summed alone: their
 * gradient is the same everywhere, so it is spread.
 */
const einsum: GradientRule = (c) => {
  const { inputs, output } = parseEquation(c.string('equation', ''))
  return inputs.map((term, index) => () => {
    const x = c.input(index)
    if ([output, ...inputs].some((letters) => new Set(letters).size < letters.length))
      return c.unsupported(
        `each letter must occur once in each term, equation is "${c.string('equation', '')}"`,
      )
    const others = inputs.filter((_, i) => i !== index)
    const elsewhere = [output, ...others].join('')
    const kept = Array.from(term).filter((letter) => letter === '.' || elsewhere.includes(letter))
    const at = term.indexOf('.')
    if (at >= 0 && !elsewhere.includes('.')) return c.unsupported('an ellipsis must be in another term too')
    const terms = [output, ...others].join().replaceAll('.', '...')
    const factors = c.node.inputs.flatMap((input, i) => (input !== undefined && i !== index ? [input] : []))
    const equation = `${terms}->${kept.join('').replaceAll('.', '...')}`
    const product = Einsum([c.gradient, ...factors], { equation })
    // Axes after the ellipsis are counted from the end.
    const missing = Array.from(term).flatMap((letter, i) =>
      kept.includes(letter) ? [] : [at >= 0 && i > at ? i - term.length : i],
    )
    const spread = missing.length === 0 ? product : Expand(Unsqueeze(product, missing), Shape(x))
    const wider = spread.shape?.some((dim, i) => x.shape?.[i] === 1 && dim !== 1) ?? false
    return at >= 0 || wider ? unbroadcast(spread, x) : spread
  })
}

export const matrix: Record<string, GradientRule> = { MatMul: matMul, Gemm: gemm, Einsum: einsum }
