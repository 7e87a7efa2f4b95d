/** Words that logits of -Infinity rule out count nothing: no NaN, in values and in gradients. */
import { describe, expect, test } from 'vitest'
import {
  entropy,
  exactKl,
  grad,
  Graph,
  op,
  pickLogProbabilities,
  policyLoss,
  type DType,
  type Tensor,
} from '@evolmm/onnx'
import { gradientError } from './support/check-gradient'
import { runner } from './support/run'

const never = -Infinity
const dims = [3, 5]
// A word ruled out by both, by the policy alone, and one that is left alone.
const policy = [never, 1, 0.5, -2, 0.1, 2, never, never, 0.3, -1, never, never, 3, never, never]
const reference = [never, 0, 0.2, -1, 0.7, 1, 0.4, never, 0.2, 0.6, 0.1, never, 1, 2, never]
const tokens = [1, 0, 2]

/** The sums in float64, word by word, without those that are never said. */
function byHand(row: number): { picked: number; kl: number; entropy: number } {
  const soft = (logits: number[]) => {
    const values = logits.slice(5 * row, 5 * row + 5).map(Math.exp)
    const total = values.reduce((sum, value) => sum + value, 0)
    return values.map((value) => value / total)
  }
  const [pi, ref] = [soft(policy), soft(reference)]
  let [kl, entropy] = [0, 0]
  for (const [v, p] of pi.entries()) {
    if (p === 0) continue
    kl += p * Math.log(p / ref[v])
    entropy -= p * Math.log(p)
  }
  return { picked: Math.log(pi[tokens[row]]), kl, entropy }
}

test.each(['float64', 'float32'] as const)('values in %s', async (dtype) => {
  const graph = new Graph()
  const [p, q] = ['p', 'q'].map((name) => graph.input(name, dtype, dims))
  graph.output('picked', pickLogProbabilities(p, graph.constant('int64', [3], tokens)))
  graph.output('kl', exactKl(p, q))
  graph.output('entropy', entropy(p))
  const array = dtype === 'float64' ? Float64Array : Float32Array
  const results = await (
    await runner(graph)
  )({ p: { dims, data: array.from(policy) }, q: { dims, data: array.from(reference) } })
  for (let row = 0; row < 3; row++)
    for (const [name, value] of Object.entries(byHand(row)))
      expect(results[name].data[row], name).toBeCloseTo(value, dtype === 'float64' ? 12 : 5)
})

describe('gradients agree with central differences', () => {
  const check = (build: (x: Tensor, graph: Graph) => Tensor, dtype: 'float64' | 'float32' = 'float64') =>
    gradientError({ shapes: [dims], values: [policy], dtype, build: ([x], graph) => build(x, graph) })
  const other = (graph: Graph, dtype: DType) => graph.constant(dtype, dims, reference)

  test('of entropy, divergence and log-probabilities', async () => {
    expect(await check(entropy)).toBeLessThan(1e-6)
    expect(await check((x, graph) => exactKl(x, other(graph, 'float64')))).toBeLessThan(1e-6)
    const picked = (x: Tensor, graph: Graph) => pickLogProbabilities(x, graph.constant('int64', [3], tokens))
    expect(await check(picked)).toBeLessThan(1e-6)
  })

  test('in float32, to 1e-3', async () => {
    expect(await check(entropy, 'float32')).toBeLessThan(1e-3)
    expect(await check((x, graph) => exactKl(x, other(graph, 'float32')), 'float32')).toBeLessThan(1e-3)
  })

  // The policy never says word 2: its logit is -2000 below the others. The reference rules it out.
  test.each([2, 64])('of the policy loss with logits of a reference (chunk %d)', async (chunk) => {
    const error = await gradientError({
      shapes: [[3, 2]],
      range: [0.5, 1],
      build: ([hidden], graph) => {
        const weight = graph.constant('float64', [5, 2], [1, 0, 0.3, 0.2, -4000, -4000, 0.4, 0.1, 0, 1])
        const logits = [0.1, 0.2, never, 0.4, 0.3]
        return policyLoss({
          hidden,
          weight,
          tokens: graph.constant('int64', [3], [0, 3, 4]),
          weights: graph.constant('float64', [3], [1, -0.5, 0.2]),
          kl: {
            weights: graph.constant('float64', [3], [0.3, 0.2, 0.1]),
            logits: graph.constant('float64', [3, 5], [...logits, ...logits, ...logits]),
          },
          chunk,
        }).loss
      },
    })
    expect(error).toBeLessThan(1e-6)
  })
})

test('a word that the reference alone rules out gives a huge divergence, and no NaN', async () => {
  const graph = new Graph()
  const p = graph.input('p', 'float32', [1, 2])
  const kl = exactKl(p, graph.constant('float32', [1, 2], [0, never]))
  const [gradient] = grad(op.ReduceSum(kl, [0], { keepdims: 0 }), [p])
  graph.output('kl', op.Identity(kl))
  graph.output('gradient', gradient)
  const results = await (await runner(graph))({ p: { dims: [1, 2], data: Float32Array.of(0, 0) } })
  expect(results.kl.data[0]).toBeGreaterThan(1e29)
  // Down with the word that is ruled out.
  expect(results.gradient.data[1]).toBeGreaterThan(1e29)
  expect(results.gradient.data[0]).toBeLessThan(-1e29)
})
