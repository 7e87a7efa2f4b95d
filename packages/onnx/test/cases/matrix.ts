import { op } from '@evolmm/onnx'
import type { GradientCase, GradientCases } from '../support/gradient-case'

const transposedGemm = (transA: 0 | 1, transB: 0 | 1): GradientCase => ({
  name: `transposed ${transA}${transB}`,
  shapes: [transA === 1 ? [3, 2] : [2, 3], transB === 1 ? [4, 3] : [3, 4], [2, 1]],
  build: ([a, b, c]) => op.Gemm(a, b, c, { alpha: 0.5, beta: 2, transA, transB }),
})

export const matrix: GradientCases = {
  MatMul: [
    {
      shapes: [
        [2, 3],
        [3, 4],
      ],
      build: ([a, b]) => op.MatMul(a, b),
      random: (draw) => {
        const inner = draw.integer(1, 3)
        return draw.broadcast(2).map((batch, i) => [...batch, ...(i === 0 ? [2, inner] : [inner, 3])])
      },
    },
    {
      name: 'batches that broadcast',
      shapes: [
        [2, 1, 3, 4],
        [5, 4, 2],
      ],
      build: ([a, b]) => op.MatMul(a, b),
    },
    {
      name: 'batches by a matrix',
      shapes: [
        [2, 3, 1, 4],
        [4, 2],
      ],
      build: ([a, b]) => op.MatMul(a, b),
    },
    { name: 'row by matrix', shapes: [[3], [2, 3, 4]], build: ([a, b]) => op.MatMul(a, b) },
    { name: 'matrix by column', shapes: [[2, 2, 3], [3]], build: ([a, b]) => op.MatMul(a, b) },
    { name: 'row by column', shapes: [[3], [3]], build: ([a, b]) => op.MatMul(a, b) },
    { name: 'square', shapes: [[3, 3]], build: ([a]) => op.MatMul(a, a) },
  ],
  Gemm: [
    {
      shapes: [
        [2, 3],
        [3, 4],
        [2, 4],
      ],
      build: ([a, b, c]) => op.Gemm(a, b, c),
    },
    ...[0, 1, 2, 3].map((way) => transposedGemm(way > 1 ? 1 : 0, way % 2 === 1 ? 1 : 0)),
    { name: 'a row added', shapes: [[2, 3], [3, 4], [4]], build: ([a, b, c]) => op.Gemm(a, b, c) },
    { name: 'a number added', shapes: [[2, 3], [3, 4], []], build: ([a, b, c]) => op.Gemm(a, b, c) },
    {
      name: 'nothing added',
      shapes: [
        [1, 3],
        [3, 4],
      ],
      build: ([a, b]) => op.Gemm(a, b, undefined, { alpha: -2 }),
    },
  ],
  Einsum: [
    {
      shapes: [
        [2, 3, 4],
        [2, 4, 2],
      ],
      build: (x) => op.Einsum(x, { equation: 'bij,bjk->bik' }),
    },
    {
      name: 'implicit output',
      shapes: [
        [2, 3],
        [3, 4],
      ],
      build: (x) => op.Einsum(x, { equation: 'ij, jk' }),
    },
    {
      name: 'one operand',
      shapes: [[2, 3, 2]],
      build: ([x]) => op.Einsum([op.Sin(x)], { equation: 'abc->ca' }),
    },
    {
      name: 'summed alone',
      shapes: [
        [2, 3],
        [3, 4],
      ],
      build: (x) => op.Einsum(x, { equation: 'ij,jk->k' }),
    },
    {
      name: 'to a number',
      shapes: [
        [2, 3],
        [2, 3],
      ],
      build: (x) => op.Einsum(x, { equation: 'ij,ij->' }),
    },
    { name: 'outer product', shapes: [[2], [3]], build: (x) => op.Einsum(x, { equation: 'i,j->ji' }) },
    {
      name: 'three operands',
      shapes: [[2, 3], [3, 2], [2]],
      build: (x) => op.Einsum(x, { equation: 'ij,jk,k->i' }),
    },
    {
      name: 'ellipsis',
      shapes: [
        [2, 1, 3],
        [2, 3, 4],
      ],
      build: (x) => op.Einsum(x, { equation: '...ij,...jk->...ik' }),
    },
    {
      name: 'ellipsis that broadcasts, in the middle',
      shapes: [
        [2, 1, 3, 4],
        [4, 2, 3, 2],
      ],
      build: (x) => op.Einsum(x, { equation: 'i...j,j...k->...i' }),
    },
  ],
}
