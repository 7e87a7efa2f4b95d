import { expect, test } from 'vitest'
import { entropy, exactKl, Graph, pickLogProbabilities } from '@evolmm/onnx'
import { gradientError } from './support/check-gradient'
import { runner } from './support/run'

const [rows, words] = [3, 5]
const tokens = [4, 0, 4]
const [policy, reference] = [0, 1].map((which) =>
  Float64Array.from({ length: rows * words }, (_, i) => 3 * Math.sin(7 * i + which)),
)

function softmax(logits: Float64Array, row: number): number[] {
  const values = Array.from(logits.subarray(row * words, (row + 1) * words), Math.exp)
  const total = values.reduce((sum, value) => sum + value, 0)
  return values.map((value) => value / total)
}

test('log-probabilities, divergence and entropy are what their formulas say', async () => {
  const graph = new Graph()
  const [p, q] = ['p', 'q'].map((name) => graph.input(name, 'float64', [rows, words]))
  graph.output('picked', pickLogProbabilities(p, graph.constant('int32', [rows], tokens)))
  graph.output('kl', exactKl(p, q))
  graph.output('entropy', entropy(p))
  const dims = [rows, words]
  const results = await (await runner(graph))({ p: { dims, data: policy }, q: { dims, data: reference } })
  for (let row = 0; row < rows; row++) {
    const [pi, ref] = [softmax(policy, row), softmax(reference, row)]
    const sum = (term: (v: number) => number) => pi.reduce((total, _, v) => total + term(v), 0)
    expect(results.picked.data[row]).toBeCloseTo(Math.log(pi[tokens[row]]), 12)
    expect(results.kl.data[row]).toBeCloseTo(
      sum((v) => pi[v] * Math.log(pi[v] / ref[v])),
      12,
    )
    expect(results.entropy.data[row]).toBeCloseTo(-sum((v) => pi[v] * Math.log(pi[v])), 12)
  }
})

test('logits beyond the range of exponentials are no trouble', async () => {
  const graph = new Graph()
  const logits = graph.input('logits', 'float32', [1, 3])
  graph.output('picked', pickLogProbabilities(logits, graph.constant('int64', [1], [1])))
  const { picked } = await (
    await runner(graph)
  )({ logits: { dims: [1, 3], data: Float32Array.of(500, 499, -900) } })
  // Near 500 float32 has steps of 3e-5.
  expect(picked.data[0]).toBeCloseTo(-1 - Math.log1p(Math.exp(-1)), 4)
})

test.each([false, true])('their gradients agree with finite differences (symbolic: %s)', async (symbolic) => {
  const shapes = [[rows, words]]
  const check = (build: Parameters<typeof gradientError>[0]['build'], seed: number) =>
    gradientError({ shapes, build, symbolic, seed })
  const index = (graph: Graph) => graph.constant('int64', [rows], tokens)
  expect(await check(([x], graph) => pickLogProbabilities(x, index(graph)), 1)).toBeLessThan(1e-6)
  expect(await check(([x]) => entropy(x), 2)).toBeLessThan(1e-6)
  const fixed = (graph: Graph) => graph.constant('float64', [rows, words], reference)
  expect(await check(([x], graph) => exactKl(x, fixed(graph)), 3)).toBeLessThan(1e-6)
})
