/**
 * Attention, rotary positions, RMSNorm and the gated MLP: gradients against central differences, values against plain
 * loops. The two-block transformer in transformer.test.ts compares them with PyTorch.
 */
import { expect, test } from 'vitest'
import { attention, gatedSilu, grad, Graph, op, rmsNorm, rotary, type Tensor } from '@evolmm/onnx'
import { generator, gradientError } from './support/check-gradient'
import { runner, type Value } from './support/run'

function draw(dims: readonly number[], seed: number): Value & { data: Float32Array } {
  const random = generator(seed)
  const size = dims.reduce((product, dim) => product * dim, 1)
  return { dims, data: Float32Array.from({ length: size }, () => 2 * random() - 1) }
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i)

test.each([false, true])('rmsNorm has the right gradients (symbolic: %s)', async (symbolic) => {
  for (const shapes of [
    [[3, 5], [5]],
    [[2, 3, 4], [4]],
    [[3, 1], [1]],
  ])
    expect(
      await gradientError({ shapes, build: ([x, weight]) => rmsNorm({ x, weight }), symbolic }),
    ).toBeLessThan(1e-6)
})

test('rmsNorm in float32, a form of its own, has the right gradients', async () => {
  for (const epsilon of [1e-6, 0.5]) {
    const error = await gradientError({
      shapes: [[3, 5], [5]],
      build: ([x, weight]) => rmsNorm({ x, weight, epsilon }),
      dtype: 'float32',
    })
    expect(error).toBeLessThan(1e-3)
  }
})

test('rmsNorm divides by the root of the mean square', async () => {
  const graph = new Graph()
  const x = graph.input('x', 'float32', [2, 3])
  graph.output('y', rmsNorm({ x, weight: graph.constant('float32', [3], [1, 2, 3]), epsilon: 0.5 }))
  const values = draw([2, 3], 1)
  const { y } = await (await runner(graph))({ x: values })
  for (const row of range(2)) {
    const square = range(3).reduce((sum, i) => sum + values.data[row * 3 + i] ** 2, 0) / 3
    for (const i of range(3))
      expect(y.data[row * 3 + i]).toBeCloseTo(
        (values.data[row * 3 + i] / Math.sqrt(square + 0.5)) * (i + 1),
        6,
      )
  }
})

test('gatedSilu has the right values, also far from 0, and gradients', async () => {
  const graph = new Graph()
  const [gate, up] = ['gate', 'up'].map((name) => graph.input(name, 'float32', ['n']))
  graph.output('y', gatedSilu({ gate, up }))
  const [loss] = [op.ReduceSum(gatedSilu({ gate, up }), undefined, { keepdims: 0 })]
  for (const [i, gradient] of grad(loss, [gate, up]).entries()) graph.output(`g${i}`, gradient)
  const gates = [-100, -3, -0.5, 0, 0.5, 3, 100]
  const feeds = {
    gate: { dims: [7], data: Float32Array.from(gates) },
    up: { dims: [7], data: new Float32Array(7).fill(2) },
  }
  const { y, g0, g1 } = await (await runner(graph))(feeds)
  for (const [i, g] of gates.entries()) {
    const s = 1 / (1 + Math.exp(-g))
    expect(y.data[i]).toBeCloseTo(2 * g * s, 4)
    expect(g0.data[i]).toBeCloseTo(2 * (s + g * s * (1 - s)), 5)
    expect(g1.data[i]).toBeCloseTo(g * s, 4)
  }
  for (const dtype of ['float32', 'float64'] as const) {
    const error = await gradientError({
      shapes: [
        [3, 4],
        [3, 4],
      ],
      build: ([a, b]) => gatedSilu({ gate: a, up: b }),
      dtype,
    })
    expect(error).toBeLessThan(dtype === 'float32' ? 1e-3 : 1e-6)
  }
})

const angles = (graph: Graph, rows: number, half: number) => {
  const values = draw([rows, half], 5).data.map((x) => 3 * x)
  const table = (of: (x: number) => number) => graph.constant('float32', [rows, half], [...values].map(of))
  return { values, cos: table(Math.cos), sin: table(Math.sin) }
}

test('rotary turns the pairs (i, i + d/2) of each head by the angles of its row', async () => {
  const [rows, heads, half] = [5, 3, 4]
  const graph = new Graph()
  const x = graph.input('x', 'float32', [rows, heads * 2 * half])
  const { values, cos, sin } = angles(graph, rows, half)
  graph.output('y', rotary({ x, cos, sin, heads }))
  const given = draw([rows, heads * 2 * half], 3)
  const { y } = await (await runner(graph))({ x: given })
  for (const row of range(rows))
    for (const head of range(heads))
      for (const i of range(half)) {
        const at = (row * heads + head) * 2 * half + i
        const [c, s] = [Math.cos(values[row * half + i]), Math.sin(values[row * half + i])]
        const [low, high] = [given.data[at], given.data[at + half]]
        expect(y.data[at]).toBeCloseTo(low * c - high * s, 6)
        expect(y.data[at + half]).toBeCloseTo(high * c + low * s, 6)
      }
})

test('rotary has the right gradient', async () => {
  const error = await gradientError({
    shapes: [[4, 12]],
    build: ([x], graph) => {
      const { cos, sin } = angles(graph, 4, 3)
      return rotary({ x, cos, sin, heads: 2 })
    },
    dtype: 'float32',
  })
  expect(error).toBeLessThan(1e-3)
})

/** Row t sees columns up to t; the first column of every row but the first is hidden as well. */
const causal = (graph: Graph, rows: number, columns: number): Tensor =>
  graph.constant(
    'float64',
    [rows, columns],
    range(rows * columns).map((at) => {
      const [row, column] = [Math.floor(at / columns), at % columns]
      return column > row || (column === 0 && row > 0) ? -1e30 : 0
    }),
  )

const sizes = [
  { batch: 1, rows: 4, columns: 4, heads: 2, keyValueHeads: 2, headSize: 3, masked: true },
  { batch: 2, rows: 3, columns: 5, heads: 4, keyValueHeads: 2, headSize: 2, masked: false },
  { batch: 1, rows: 5, columns: 5, heads: 3, keyValueHeads: 1, headSize: 1, masked: true },
]

const cases = [
  ...sizes.flatMap((size) => [false, true].map((symbolic) => ({ ...size, symbolic }))),
  ...sizes.map((size) => ({ ...size, symbolic: true, chunk: 2 })),
  { ...sizes[0], symbolic: false, chunk: 3 },
]

test.each(cases)(
  'attention has the right gradients: %o',
  async ({ batch, rows, columns, masked, symbolic, ...config }) => {
    const { heads, keyValueHeads, headSize } = config
    const error = await gradientError({
      shapes: [
        [batch, rows, heads * headSize],
        [batch, columns, keyValueHeads * headSize],
        [batch, columns, keyValueHeads * headSize],
      ],
      build: ([q, k, v], graph) =>
        attention({ q, k, v, mask: masked ? causal(graph, rows, columns) : undefined, ...config }),
      symbolic,
    })
    expect(error).toBeLessThan(1e-6)
  },
)

test('attention mixes the values by the softmax of the scaled scores, in each batch and head', async () => {
  const [batch, rows, heads, groups, d] = [2, 4, 4, 2, 3]
  const graph = new Graph()
  const input = (name: string, n: number) => graph.input(name, 'float32', [batch, rows, n * d])
  const mask = op.Cast(causal(graph, rows, rows), { to: 'float32' })
  const [q, k, v] = [input('q', heads), input('k', groups), input('v', groups)]
  graph.output('y', attention({ q, k, v, mask, heads, keyValueHeads: groups, headSize: d, scale: 0.7 }))
  const feeds = {
    q: draw([batch, rows, heads * d], 1),
    k: draw([batch, rows, groups * d], 2),
    v: draw([batch, rows, groups * d], 3),
  }
  const { y } = await (await runner(graph))(feeds)
  for (const b of range(batch))
    for (const t of range(rows))
      for (const h of range(heads)) {
        const part = ({ data }: Value, row: number, n: number, head: number, i: number) =>
          Number(data[((b * rows + row) * n + head) * d + i])
        const shared = Math.floor((h * groups) / heads)
        const seen = range(rows).filter((s) => s <= t && (s > 0 || t === 0))
        const scores = seen.map((s) =>
          Math.exp(
            0.7 *
              range(d).reduce(
                (sum, i) => sum + part(feeds.q, t, heads, h, i) * part(feeds.k, s, groups, shared, i),
                0,
              ),
          ),
        )
        const total = scores.reduce((sum, score) => sum + score, 0)
        for (const i of range(d)) {
          const expected = seen.reduce(
            (sum, s, n) => sum + (scores[n] / total) * part(feeds.v, s, groups, shared, i),
            0,
          )
          expect(part(y, t, heads, h, i)).toBeCloseTo(expected, 5)
        }
      }
})

test('one graph holds every part in several types, each near its float32', async () => {
  const graph = new Graph()
  const input = (name: string, dims: number[]) => graph.input(name, 'float32', dims)
  const [x, cos, sin, weight] = [
    input('x', [4, 8]),
    input('cos', [4, 2]),
    input('sin', [4, 2]),
    input('w', [8]),
  ]
  for (const dtype of ['float32', 'float16', 'float64'] as const) {
    const to = (tensor: Tensor, type: 'float32' | typeof dtype = dtype) => op.Cast(tensor, { to: type })
    const normalized = rmsNorm({ x: to(x), weight: to(weight), epsilon: 0.25 })
    // RotaryEmbedding has no float64.
    const narrow = dtype === 'float64' ? 'float32' : dtype
    const turned = rotary({ x: to(normalized, narrow), cos: to(cos, narrow), sin: to(sin, narrow), heads: 2 })
    const q = op.Unsqueeze(to(turned), [0])
    const mixed = op.Squeeze(attention({ q, k: q, v: q, heads: 2, headSize: 4 }), [0])
    const y = to(gatedSilu({ gate: mixed, up: normalized }), 'float32')
    const gradients = grad(op.ReduceSum(op.Mul(y, y), undefined, { keepdims: 0 }), [x, weight])
    for (const [i, tensor] of [y, ...gradients].entries()) graph.output(`${dtype}_${i}`, op.Identity(tensor))
  }
  const feeds = { x: draw([4, 8], 1), cos: draw([4, 2], 2), sin: draw([4, 2], 3), w: draw([8], 4) }
  const results = await (await runner(graph))(feeds)
  for (const i of range(3)) {
    const expected = [...results[`float32_${i}`].data].map(Number)
    const scale = Math.max(...expected.map(Math.abs))
    for (const [dtype, bound] of [
      ['float16', 1e-2],
      ['float64', 1e-5],
    ] as const)
      for (const [at, value] of results[`${dtype}_${i}`].data.entries())
        expect(Math.abs(Number(value) - expected[at]) / scale).toBeLessThan(bound)
  }
})

test('masks of attention broadcast', async () => {
  const graph = new Graph()
  const x = graph.input('x', 'float32', [2, 3, 4])
  const mask = graph.input('mask', 'float32', [1, 3])
  const shapes = [
    [1, 3],
    [3, 3],
    [2, 3, 3],
    [1, 1, 3, 3],
    [2, 2, 3, 3],
  ]
  for (const [i, shape] of shapes.entries()) {
    const wide = op.Expand(mask, shape)
    graph.output(`y${i}`, attention({ q: x, k: x, v: x, mask: wide, heads: 2, headSize: 2 }))
  }
  const hidden = { dims: [1, 3], data: Float32Array.of(0, -1e30, 0) }
  const results = await (await runner(graph))({ x: draw([2, 3, 4], 1), mask: hidden })
  for (const i of shapes.keys()) expect(results[`y${i}`]).toEqual(results.y0)
})

test('the mask of attention has no gradient', () => {
  const graph = new Graph()
  const [q, mask] = [graph.input('q', 'float32', [1, 3, 4]), graph.input('mask', 'float32', [3, 3])]
  const y = attention({ q, k: q, v: q, mask, heads: 2, headSize: 2 })
  expect(() => grad(op.ReduceSum(y, undefined, { keepdims: 0 }), [mask])).toThrow(
    /mask has no gradient.*add a trained bias/,
  )
})
