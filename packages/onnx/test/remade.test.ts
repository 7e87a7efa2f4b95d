/** What the backward pass makes again: the same gradients, and no result of the forward pass is held for them. */
import { attention, gatedSilu, grad, Graph, loraLinear, op, rmsNorm, type Tensor } from '@evolmm/onnx'
import { expect, test } from 'vitest'
import { generator, gradientError } from './support/check-gradient'
import { runner } from './support/run'

/** A function of four [3, 4] tensors whose backward pass reads the result of one of the operators. */
const readers: Record<string, (x: Tensor, y: Tensor) => Tensor> = {
  rmsNorm: (x, y) => rmsNorm({ x, weight: op.Slice(op.Reshape(y, [-1]), [0], [4]) }),
  gatedSilu: (x, y) => gatedSilu({ gate: x, up: y }),
}

test.each(Object.entries(readers))('%s: what it gives is read by no gradient', (_, make) => {
  const graph = new Graph('remade', { opset: 18 })
  const [x, y] = ['x', 'y'].map((name) => graph.input(name, 'float32', ['R', 4]))
  const [a, b] = [graph.input('a', 'float32', [2, 4]), graph.input('b', 'float32', [5, 2])]
  const weight = graph.constant('float32', [5, 4], Array<number>(20).fill(0.1))
  const result = make(x, y)
  const out = op.Gemm(loraLinear({ x: result, weight, a, b, scale: 1 }), weight)
  const loss = op.ReduceSum(
    op.Add(op.Mul(out, out), op.Gemm(result, op.Gemm(result, out, undefined, { transA: 1 }))),
    undefined,
    {
      keepdims: 0,
    },
  )
  const readersOf = () => graph.current.nodes.filter(({ inputs }) => inputs.includes(result)).length
  const before = readersOf()
  expect(before).toBe(3)
  grad(loss, [x, a, b])
  expect(readersOf()).toBe(before)
})

test.each(Object.entries(readers))('%s: gradients of what reads it are right', async (_, make) => {
  for (const symbolic of [false, true])
    expect(
      await gradientError({
        shapes: [
          [3, 4],
          [3, 4],
          [4, 4],
          [2, 4],
          [5, 2],
        ],
        build: ([x, y, z, a, b]) => {
          const result = make(x, y)
          const weight = x.scope.graph.constant('float64', [5, 4], Array<number>(20).fill(0.1))
          const adapted = loraLinear({ x: result, weight, a, b, scale: 1 })
          return op.Concat([op.MatMul(result, z), adapted], { axis: 1 })
        },
        symbolic,
      }),
    ).toBeLessThan(1e-6)
})

test('a gradient after one that failed reads nothing that is gone with it', () => {
  const graph = new Graph('twice', { opset: 18 })
  const u = graph.input('u', 'float32', [3, 4])
  const w = graph.input('w', 'float32', [4, 4])
  const trips = graph.constant('int64', [], [2])
  const [x] = op.Loop({ trips, carried: [u] }, (_, given) => ({ carried: [op.Mul(given, 2)] }))
  const loss = op.ReduceSum(op.Gemm(gatedSilu({ gate: x, up: x }), w), undefined, { keepdims: 0 })
  const before = graph.current.nodes.length
  // The gradient of w is made, and what it reads; then there is no rule.
  expect(() => grad(loss, [w, u])).toThrow(/Loop/)
  expect(graph.current.nodes).toHaveLength(before)
  const [gradient] = grad(loss, [w])
  const needed = gradient.node?.inputs.flatMap((input) => input?.node ?? []) ?? []
  expect(needed.length).toBeGreaterThan(0)
  for (const node of needed) expect(graph.current.nodes).toContain(node)
})

test('attention that makes its probabilities again gives the same values and gradients', async () => {
  const graph = new Graph('again', { opset: 18 })
  const input = (name: string, width: number) => graph.input(name, 'float32', ['B', 'T', width])
  const [q, k, v] = [input('q', 8), input('k', 4), input('v', 4)]
  const mask = graph.input('mask', 'float32', ['T', 'T'])
  for (const again of [false, true]) {
    const y = attention({ q, k, v, mask, heads: 4, keyValueHeads: 2, headSize: 2, again })
    graph.output(`y${again}`, op.Identity(y))
    const gradients = grad(op.ReduceSum(op.Mul(y, y), undefined, { keepdims: 0 }), [q, k, v])
    for (const [i, gradient] of gradients.entries()) graph.output(`${again}${i}`, op.Identity(gradient))
  }
  const scores = graph.current.nodes.filter(({ outputs }) =>
    outputs.some((each) => each?.shape?.length === 4),
  )
  // Only the one that keeps them gives them out.
  expect(scores).toHaveLength(1)
  const random = generator(1)
  const draw = (dims: readonly number[]) => ({
    dims,
    data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 4 * random() - 2),
  })
  const seen = {
    dims: [5, 5],
    data: Float32Array.from({ length: 25 }, (_, i) => (i % 5 > i / 5 ? -1e30 : 0)),
  }
  const results = await (
    await runner(graph)
  )({ q: draw([2, 5, 8]), k: draw([2, 5, 4]), v: draw([2, 5, 4]), mask: seen })
  expect(results.ytrue.data).toEqual(results.yfalse.data)
  for (const i of [0, 1, 2]) {
    const [one, two] = [results[`false${i}`], results[`true${i}`]].map(({ data }) =>
      Array.from(data as Float32Array),
    )
    expect(Math.max(...one.map(Math.abs))).toBeGreaterThan(0.1)
    for (const [at, value] of one.entries()) expect(two[at]).toBeCloseTo(value, 5)
  }
})
