/** Operators without a function of their own: standard ones, and those of `com.microsoft`. */
import { expect, test } from 'vitest'
import { customOp, describe, Graph, op, parse, serialize, type Tensor } from '@evolmm/onnx'
import { gradientError } from './support/check-gradient'
import { runner } from './support/run'

const float = (value: number) => ({ type: 'float', value }) as const
const four = { dims: [4], data: Float32Array.of(1, -2, 0.5, 3) }

test('an operator of com.microsoft runs, is written with its domain, and is read again', async () => {
  const graph = new Graph('quick')
  const x = graph.input('x', 'float32', [4])
  const [y] = op.node('QuickGelu', [x], {
    domain: 'com.microsoft',
    attributes: { alpha: float(1.5) },
    outputs: [{ dtype: 'float32', shape: x.shape }],
  })
  graph.output('y', y)
  expect(describe(graph)).toContain('y: float32 [4] = com.microsoft.QuickGelu(x) {alpha=1.5}')
  const again = parse(serialize(graph))
  expect([...again.domains]).toEqual([['com.microsoft', 1]])
  expect(describe(again)).toBe(describe(graph))
  for (const each of [graph, again]) {
    const { y: result } = await (await runner(each))({ x: four })
    for (const [i, value] of four.data.entries())
      expect(result.data[i]).toBeCloseTo(value / (1 + Math.exp(-1.5 * value)), 6)
  }
})

test('inputs and outputs in the middle may be left out', async () => {
  const graph = new Graph('clip')
  const x = graph.input('x', 'float32', [4])
  const [y] = op.node('Clip', [x, undefined, graph.constant('float32', [], [1])])
  expect(y.shape).toEqual([4])
  graph.output('y', y)
  const { y: result } = await (await runner(graph))({ x: four })
  expect([...(result.data as Float32Array)]).toEqual([1, -2, 0.5, 1])
})

test('in a custom op it has a gradient', async () => {
  const sigmoidProduct = customOp({
    name: 'Silu',
    forward: (x) =>
      op.node('QuickGelu', [x], {
        domain: 'com.microsoft',
        attributes: { alpha: float(1) },
        outputs: [{ dtype: x.dtype, shape: x.shape }],
      }),
    backward: ({ inputs: [x], outputs: [y], gradients: [gradient] }) => {
      const share = op.Sigmoid(x)
      return [gradient && op.Mul(gradient, op.Add(share, op.Mul(y, op.Sub(1, share))))]
    },
  })
  const error = await gradientError({ shapes: [[2, 3]], build: ([x]) => sigmoidProduct(x), dtype: 'float32' })
  // float32: the runtime has no float64 kernel for it.
  expect(error).toBeLessThan(1e-3)
})

test('the types that are given of its outputs are there when the file is read again', async () => {
  const graph = new Graph('typed')
  const x = graph.input('x', 'float32', ['n'])
  const quick = (input: Tensor) =>
    op.node('QuickGelu', [input], {
      domain: 'com.microsoft',
      attributes: { alpha: float(1) },
      outputs: [{ dtype: 'float32', shape: input.shape }],
    })
  const twice = customOp({
    name: 'Twice',
    forward: (input) => [op.Mul(quick(input)[0], 2)],
    backward: () => [],
  })
  graph.output('y', op.Exp(quick(x)[0]))
  graph.output('z', twice(x)[0])
  const bytes = serialize(graph)
  expect(describe(parse(bytes))).toBe(describe(graph))
  expect(serialize(parse(bytes))).toEqual(bytes)
  const { y } = await (await runner(parse(bytes)))({ x: four })
  expect(y.data[0]).toBeCloseTo(Math.exp(1 / (1 + Math.exp(-1))), 5)
})
