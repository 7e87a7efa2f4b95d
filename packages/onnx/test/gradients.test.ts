import { describe, expect, test } from 'vitest'
import { checkpoint, customOp, grad, Graph, op, describe as show } from '@evolmm/onnx'
import { gradientError } from './support/check-gradient'
import { runner } from './support/run'

const checks = {
  Add: { shapes: [[2, 3], [3]], build: ([a, b]) => op.Add(a, b) },
  Mul: {
    shapes: [
      [2, 1, 3],
      [4, 1],
    ],
    build: ([a, b]) => op.Mul(a, b),
  },
  Div: {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    build: ([a, b]) => op.Div(a, b),
    range: [0.5, 2],
  },
  MatMul: {
    shapes: [
      [2, 1, 3, 4],
      [5, 4, 2],
    ],
    build: ([a, b]) => op.MatMul(a, b),
  },
  Gemm: {
    shapes: [
      [4, 3],
      [5, 4],
      [1, 5],
    ],
    build: ([a, b, c]) => op.Gemm(a, b, c, { alpha: 0.5, beta: 2, transA: 1, transB: 1 }),
  },
  Mean: { shapes: [[3, 4]], build: ([a]) => op.ReduceMean(op.Exp(a), [1], { keepdims: 0 }) },
  If: {
    shapes: [[3]],
    build: ([a], g) =>
      op.If(
        op.Less(op.ReduceSum(a, [0], { keepdims: 0 }), 0),
        () => [op.Mul(a, a)],
        () => [op.Exp(a)],
      ),
  },
  checkpoint: {
    shapes: [
      [2, 3],
      [3, 3],
    ],
    build: ([a, w]) => checkpoint((x) => [op.Tanh(op.MatMul(op.Tanh(op.MatMul(x, w)), w))], [a]),
  },
  custom: {
    shapes: [[2, 3]],
    build: ([a]) =>
      customOp({
        name: 'Square',
        forward: (x) => [op.Mul(x, x)],
        backward: ({ inputs: [x], gradients: [g] }) => [op.Mul(op.Mul(x, 2), g!)],
      })(a),
  },
} as Record<string, Parameters<typeof gradientError>[0]>

describe.each(Object.entries(checks))('%s', (name, check) => {
  test.each([false, true])('symbolic %s', async (symbolic) => {
    expect(await gradientError({ ...check, symbolic })).toBeLessThan(1e-6)
  })
})
test('describe', async () => {
  const g = new Graph()
  const x = g.input('x', 'float32', ['n', 3])
  const y = op.If(
    op.Less(op.ReduceSum(x, undefined, { keepdims: 0 }), 0),
    () => [op.Mul(x, x)],
    () => [op.Exp(x)],
  )
  const [d] = grad(op.ReduceSum(y[0], undefined, { keepdims: 0 }), [x])
  g.output('d', d)
  console.log(show(g))
  const run = await runner(g)
  console.log(await run({ x: { dims: [1, 3], data: Float32Array.of(1, 2, 3) } }))
})
