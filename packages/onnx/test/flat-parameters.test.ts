import { expect, test } from 'vitest'
import { flattenParameters, grad, Graph, op, parameterLayout, sliceParameters } from '@evolmm/onnx'
import { runner } from './support/run'

const shapes = Array.from({ length: 21 }, (_, i): [string, number[]] => [
  `w${i}`,
  i % 3 === 0 ? [] : [i % 4, 2 + i],
])

test('a layout puts tensors one after the other', () => {
  expect(
    parameterLayout([
      ['a', [2, 3]],
      ['b', []],
      ['c', [4]],
    ]),
  ).toEqual({
    size: 11,
    entries: [
      { name: 'a', offset: 0, shape: [2, 3] },
      { name: 'b', offset: 6, shape: [] },
      { name: 'c', offset: 7, shape: [4] },
    ],
  })
  expect(() =>
    parameterLayout([
      ['a', [1]],
      ['a', [2]],
    ]),
  ).toThrow(/"a" again/)
  expect(() => parameterLayout([])).toThrow(/something to train/)
})

test('slices hold what the vector holds, and their gradients come back in its order', async () => {
  const layout = parameterLayout(shapes.filter(([, shape]) => !shape.includes(0)))
  const graph = new Graph()
  const parameters = sliceParameters(graph.input('flat', 'float32', ['n']), layout)
  // d/dw of sum(k w^2) is 2 k w, with another k for each tensor.
  const terms = [...parameters.values()].map((x, k) =>
    op.Mul(op.ReduceSum(op.Mul(x, x), undefined, { keepdims: 0 }), k),
  )
  const loss = op.Sum(...terms)
  const gradient = flattenParameters(layout, grad(loss, [...parameters.values()]))
  graph.output('gradient', gradient)
  expect(gradient.shape).toEqual([layout.size])
  const widest = Math.max(
    ...graph.body.nodes.filter(({ opType }) => opType === 'Concat').map(({ inputs }) => inputs.length),
  )
  expect(widest).toBeLessThanOrEqual(8)

  const data = Float32Array.from({ length: layout.size }, (_, i) => i)
  const results = await (await runner(graph))({ flat: { dims: [layout.size], data } })
  for (const [k, { offset, shape }] of layout.entries.entries()) {
    const size = shape.reduce((product, dim) => product * dim, 1)
    for (let i = offset; i < offset + size; i++) expect(results.gradient.data[i]).toBe(2 * k * i)
  }
})

test('vectors and tensors that do not fit the layout are refused', () => {
  const layout = parameterLayout([
    ['a', [2]],
    ['b', [3]],
  ])
  const graph = new Graph()
  expect(() => sliceParameters(graph.input('flat', 'float32', [4]), layout)).toThrow(/layout's 5 elements/)
  const [a, b] = [graph.input('a', 'float32', [2]), graph.input('b', 'float32', [3])]
  expect(() => flattenParameters(layout, [b, a])).toThrow(/"a" must be \[2\]/)
  expect(() => flattenParameters(layout, [a])).toThrow(/"b" must be \[3\], got nothing/)
})
