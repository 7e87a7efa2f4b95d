import { expect, test } from 'vitest'
import { grad, Graph, loraLinear, op, type Tensor } from '@evolmm/onnx'
import { generator, gradientError } from './support/check-gradient'
import { runner } from './support/run'

const shapes = { x: [5, 6], weight: [4, 6], a: [2, 6], b: [4, 2], bias: [4] }

function numbers(size: number, seed: number): Float64Array {
  const random = generator(seed)
  return Float64Array.from({ length: size }, () => 2 * random() - 1)
}

function inputs(graph: Graph): Record<keyof typeof shapes, Tensor> {
  const entries = Object.entries(shapes).map(([name, shape]) => [name, graph.input(name, 'float64', shape)])
  return Object.fromEntries(entries) as Record<keyof typeof shapes, Tensor>
}

test('a LoRA layer is the frozen layer plus alpha / r times the low-rank product', async () => {
  const graph = new Graph()
  graph.output('y', loraLinear({ ...inputs(graph), alpha: 6 }))
  const feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, dims], i) => [
      name,
      {
        dims,
        data: numbers(
          dims.reduce((size, dim) => size * dim, 1),
          i + 1,
        ),
      },
    ]),
  )
  const { y } = await (await runner(graph))(feeds)
  const at = (name: string, i: number, j: number) => feeds[name].data[i * feeds[name].dims[1] + j]
  const sum = (count: number, term: (k: number) => number) =>
    Array.from({ length: count }, (_, k) => term(k)).reduce((total, value) => total + value, 0)
  for (let row = 0; row < 5; row++) {
    for (let out = 0; out < 4; out++) {
      const frozen = sum(6, (k) => at('x', row, k) * at('weight', out, k)) + feeds.bias.data[out]
      const low = (r: number) => sum(6, (k) => at('x', row, k) * at('a', r, k))
      expect(y.data[row * 4 + out]).toBeCloseTo(frozen + 3 * sum(2, (r) => low(r) * at('b', out, r)), 12)
    }
  }
})

const frozen = (graph: Graph, dims: number[], seed: number) =>
  graph.initializer(`frozen${seed}`, {
    dtype: 'float64',
    dims,
    bytes: new Uint8Array(
      numbers(
        dims.reduce((size, dim) => size * dim, 1),
        seed,
      ).buffer,
    ),
  })

test.each([false, true])(
  'its gradients agree with finite differences (symbolic rows: %s)',
  async (symbolic) => {
    const error = await gradientError({
      shapes: [shapes.x, shapes.a, shapes.b],
      build: ([x, a, b], graph) => {
        const reshaped = symbolic ? op.Reshape(x, [-1, 6]) : x
        const [wide, tall] = symbolic ? [op.Reshape(a, [2, 6]), op.Reshape(b, [4, 2])] : [a, b]
        return loraLinear({
          x: reshaped,
          weight: frozen(graph, [4, 6], 1),
          bias: frozen(graph, [4], 2),
          a: wide,
          b: tall,
          scale: 1.5,
        })
      },
      symbolic,
    })
    expect(error).toBeLessThan(1e-6)
  },
)

test('with dropout the backward pass uses the mask of the forward pass', async () => {
  const error = await gradientError({
    shapes: [[2, 3, 6], shapes.a, shapes.b],
    build: ([x, a, b], graph) =>
      loraLinear({
        x,
        weight: frozen(graph, [4, 6], 1),
        a,
        b,
        alpha: 4,
        dropout: { rate: 0.4, seed: graph.constant('int64', [], [77]) },
      }),
  })
  expect(error).toBeLessThan(1e-6)
})

test('only what is wanted is computed, and never a gradient of the weight', () => {
  const graph = new Graph()
  const { x, weight, a, b } = inputs(graph)
  const loss = op.ReduceSum(loraLinear({ x, weight, a, b, alpha: 4 }), undefined, { keepdims: 0 })
  grad(loss, [b])
  const backward = [...graph.functions.values()].find(({ name }) => name.startsWith('LoraLinearGrad'))
  expect(backward?.body.nodes.map(({ opType }) => opType)).toEqual(['Gemm'])
  expect(backward?.body.inputs).toHaveLength(2)
  expect(() => grad(loss, [weight])).toThrow(/weight and bias must be frozen/)
})

test('a scale must be given in exactly one way', () => {
  const { x, weight, a, b } = inputs(new Graph())
  expect(() => loraLinear({ x, weight, a, b })).toThrow(/exactly one of alpha and scale/)
  expect(() => loraLinear({ x, weight, a, b, alpha: 1, scale: 1 })).toThrow(/exactly one of alpha and scale/)
})

test('layers of equal shapes share one function', () => {
  const graph = new Graph()
  const x = graph.input('x', 'float32', ['rows', 6])
  const weight = graph.input('weight', 'float32', [6, 6])
  const [a, b] = [graph.input('a', 'float32', [2, 6]), graph.input('b', 'float32', [6, 2])]
  loraLinear({ x: loraLinear({ x, weight, a, b, alpha: 4 }), weight, a, b, alpha: 4 })
  expect([...graph.functions.keys()]).toEqual(['evolmm.LoraLinear'])
})
