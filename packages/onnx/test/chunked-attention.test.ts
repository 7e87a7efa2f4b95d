/** Attention in chunks of queries: the very numbers of all queries at once, and their gradients within rounding. */
import { sizedTest } from '@evolmm/internal/testing'
import { attention, grad, Graph, op, type Tensor } from '@evolmm/onnx'
import { expect, test } from 'vitest'
import { generator } from './support/check-gradient'
import { runner, type Value } from './support/run'

interface Sizes {
  batch: number
  rows: number
  heads: number
  keyValueHeads: number
  headSize: number
}

const draw = (dims: readonly number[], seed: number): Value & { data: Float32Array } => {
  const random = generator(seed)
  const size = dims.reduce((product, dim) => product * dim, 1)
  return { dims, data: Float32Array.from({ length: size }, () => 2 * random() - 1) }
}

/** One graph for all lengths, with the mixed values and their gradients: whole, and in chunks. */
function bothWays({ heads, keyValueHeads, headSize }: Sizes, chunk: number, maskShape: string[]): Graph {
  const graph = new Graph('both', { opset: 18 })
  const input = (name: string, n: number) => graph.input(name, 'float32', ['B', 'T', n * headSize])
  const given = [input('q', heads), input('k', keyValueHeads), input('v', keyValueHeads)] as const
  const [q, k, v] = given
  const shape = maskShape.map((dim) => (dim === '1' ? 1 : dim))
  const mask = graph.input('mask', 'float32', shape)
  const slope = input('slope', heads)
  const ways: [string, number | undefined][] = [
    ['whole', undefined],
    ['chunked', chunk],
  ]
  for (const [name, size] of ways) {
    const y: Tensor = attention({ q, k, v, mask, heads, keyValueHeads, headSize, chunk: size })
    if (size !== undefined) expect(y.shape).toEqual(q.shape)
    graph.output(name, op.Identity(y))
    const gradients = grad(op.ReduceSum(op.Mul(y, slope), undefined, { keepdims: 0 }), given)
    for (const [i, gradient] of gradients.entries()) graph.output(`${name}${i}`, op.Identity(gradient))
  }
  return graph
}

/** Hides the last columns of the second batch, and what is later than a row where the mask has rows. */
function maskOf({ batch, rows }: Sizes, shape: readonly string[]): Value {
  const named: Record<string, number> = { B: batch, T: rows, S: rows, 1: 1 }
  const dims = shape.map((dim) => named[dim])
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((product, dim) => product * dim, 1))
  const length = dims.reduce((product, dim) => product * dim, 1)
  const hidden = (at: number) => {
    const place = (axis: number) => (axis < 0 ? 0 : Math.floor(at / strides[axis]) % dims[axis])
    const column = place(dims.length - 1)
    if (shape.includes('T') && column > place(dims.length - 2)) return true
    return dims.length === 4 && place(0) === 1 && column >= rows - 2
  }
  return { dims, data: Float32Array.from({ length }, (_, at) => (hidden(at) ? -1e30 : 0)) }
}

const cases: [string, string[]][] = [
  ['of columns', ['B', '1', '1', 'S']],
  ['of rows and columns', ['T', 'S']],
  ['of rows and columns of each batch', ['B', '1', 'T', 'S']],
  ['whose rows are known when it runs', ['B', '1', 'U', 'S']],
]

test.each(cases)('with a mask %s: bit for bit, at lengths below, at and beyond chunks', async (_, shape) => {
  const sizes = { batch: 2, rows: 0, heads: 4, keyValueHeads: 2, headSize: 8 }
  const run = await runner(bothWays(sizes, 16, shape))
  for (const rows of [3, 16, 17, 45]) {
    const own = { ...sizes, rows }
    const [wide, narrow] = [
      [2, rows, 32],
      [2, rows, 16],
    ]
    const filled = shape.map((dim) => (dim === 'U' ? 'T' : dim))
    const results = await run({
      q: draw(wide, 1),
      k: draw(narrow, 2),
      v: draw(narrow, 3),
      slope: draw(wide, 4),
      mask: maskOf(own, filled),
    })
    expect(results.chunked).toEqual(results.whole)
    for (const i of [0, 1, 2]) expect(apart(results[`chunked${i}`], results[`whole${i}`])).toBeLessThan(1e-6)
    const unlike = await run({
      q: draw(wide, 5),
      k: draw(narrow, 2),
      v: draw(narrow, 3),
      slope: draw(wide, 4),
      mask: maskOf(own, filled),
    })
    expect(unlike.chunked).not.toEqual(results.chunked)
  }
})

const lengths = { rows: [300, 1500, 6000] } as const
sizedTest('many rows in the chunks of a vision tower: bit for bit', lengths, async ({ count: rows }) => {
  const sizes = { batch: 1, rows, heads: 2, keyValueHeads: 2, headSize: 20 }
  const run = await runner(bothWays(sizes, 256, ['B', '1', '1', 'S']))
  const tensor = (seed: number) => draw([1, rows, 40], seed)
  const results = await run({
    q: tensor(1),
    k: tensor(2),
    v: tensor(3),
    slope: tensor(4),
    mask: maskOf(sizes, ['B', '1', '1', 'S']),
  })
  expect(results.chunked).toEqual(results.whole)
  for (const i of [0, 1, 2]) expect(apart(results[`chunked${i}`], results[`whole${i}`])).toBeLessThan(1e-5)
})

/** The largest difference, relative to the largest number. */
function apart(got: Value, want: Value): number {
  expect(got.dims).toEqual(want.dims)
  const [a, b] = [got, want].map(({ data }) => data as Float32Array)
  const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  expect(largest).toBeGreaterThan(0)
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0) / largest
}
