import { expect, test } from 'vitest'
import {
  entropy,
  exactKl,
  grad,
  Graph,
  op,
  pickLogProbabilities,
  policyLoss,
  type PolicyLoss,
  type Tensor,
} from '@evolmm/onnx'
import { generator, gradientError } from './support/check-gradient'
import { runner } from './support/run'

const [rows, width, words] = [7, 4, 9]
const shapes = {
  hidden: [rows, width],
  weight: [words, width],
  weights: [rows],
  other: [rows, width],
  klWeights: [rows],
}
type Inputs = Record<keyof typeof shapes, Tensor>
const tokens = (graph: Graph) => graph.constant('int64', [rows], [3, 0, 8, 3, 5, 1, 8])

function values(seed: number): Record<string, { dims: number[]; data: Float64Array }> {
  const random = generator(seed)
  return Object.fromEntries(
    Object.entries(shapes).map(([name, dims]) => {
      const size = dims.reduce((product, dim) => product * dim, 1)
      return [name, { dims, data: Float64Array.from({ length: size }, () => 4 * random() - 2) }]
    }),
  )
}

function inputs(graph: Graph, names?: string): Inputs {
  const entries = Object.entries(shapes).map(([name, shape]) => [
    name,
    graph.input(name, 'float64', names === undefined ? shape : [names, ...shape.slice(1)]),
  ])
  return Object.fromEntries(entries) as Inputs
}

/** The same from whole logits, with rules that are checked on their own. */
function reference(graph: Graph, { hidden, weight, weights, other, klWeights }: Inputs): PolicyLoss {
  const head = op.Transpose(weight)
  const [logits, otherLogits] = [op.MatMul(hidden, head), op.MatMul(op.Identity(other), head)]
  const logProbabilities = pickLogProbabilities(logits, tokens(graph))
  const kl = exactKl(logits, otherLogits)
  const terms = op.Sub(op.Mul(kl, klWeights), op.Mul(logProbabilities, weights))
  return { loss: op.ReduceSum(terms, [0], { keepdims: 0 }), logProbabilities, kl, entropy: entropy(logits) }
}

const wanted = ['hidden', 'weight', 'weights', 'klWeights'] as const

async function run(
  build: (graph: Graph, given: Inputs) => PolicyLoss,
  names?: string,
): Promise<Record<string, number[]>> {
  const graph = new Graph()
  const given = inputs(graph, names)
  const result = build(graph, given)
  const gradients = grad(
    result.loss,
    wanted.map((name) => given[name]),
  )
  for (const [name, tensor] of Object.entries(result)) graph.output(name, op.Identity(tensor as Tensor))
  for (const [i, gradient] of gradients.entries()) graph.output(`${wanted[i]}_grad`, op.Identity(gradient))
  const results = await (await runner(graph))(values(3))
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data, Number)]),
  )
}

function expectClose(results: Record<string, number[]>, expected: Record<string, number[]>): void {
  for (const [name, list] of Object.entries(expected)) {
    expect(results[name], name).toHaveLength(list.length)
    for (const [i, value] of list.entries()) expect(results[name][i], name).toBeCloseTo(value, 11)
  }
}

// 7 rows: one chunk, a rest of one, a rest of three, and none.
test.each([64, 7, 3, 4, 1])('in chunks of %d rows everything is as from whole logits', async (chunk) => {
  const expected = await run(reference)
  const built = (graph: Graph, { hidden, weight, weights, other, klWeights }: Inputs) =>
    policyLoss({
      hidden,
      weight,
      tokens: tokens(graph),
      weights,
      kl: { weights: klWeights, hidden: other },
      chunk,
    })
  expectClose(await run(built), expected)
})

test('the number of rows may be known only at run time, and the reference given as logits', async () => {
  const expected = await run(reference)
  const built = (graph: Graph, { hidden, weight, weights, other, klWeights }: Inputs) => {
    const logits = op.MatMul(other, op.Transpose(weight))
    const index = op.Cast(tokens(graph), { to: 'int32' })
    const head = op.Reshape(weight, [words, width])
    return policyLoss({
      hidden,
      weight: head,
      tokens: index,
      weights,
      kl: { weights: klWeights, logits },
      chunk: 3,
    })
  }
  expectClose(await run(built, 'n'), expected)
})

test('without a reference there is no divergence', async () => {
  const plain = (graph: Graph, given: Inputs) =>
    reference(graph, { ...given, klWeights: op.Mul(given.klWeights, 0) })
  const expected = await run(plain)
  const results = await run((graph, { hidden, weight, weights }) =>
    policyLoss({ hidden, weight, tokens: tokens(graph), weights, chunk: 3 }),
  )
  expect(results.kl.every((value) => value === 0)).toBe(true)
  expectClose(
    results,
    Object.fromEntries(Object.entries(expected).filter(([name]) => !name.startsWith('kl'))),
  )
})

test.each([2, 64])('the gradient agrees with finite differences (chunk %d)', async (chunk) => {
  const error = await gradientError({
    shapes: [shapes.hidden, shapes.weight, shapes.weights, shapes.klWeights],
    build: ([hidden, weight, weights, klWeights], graph) => {
      const other = graph.constant('float64', shapes.other, values(5).other.data)
      const logits = op.MatMul(other, graph.constant('float64', [width, words], values(6).weight.data))
      return policyLoss({
        hidden,
        weight,
        tokens: tokens(graph),
        weights,
        kl: { weights: klWeights, logits },
        chunk,
      }).loss
    },
  })
  expect(error).toBeLessThan(1e-6)
})

test('a chunk must have rows', () => {
  const graph = new Graph()
  const { hidden, weight, weights } = inputs(graph)
  expect(() => policyLoss({ hidden, weight, tokens: tokens(graph), weights, chunk: 0 })).toThrow(
    /policyLoss.chunk/,
  )
})
