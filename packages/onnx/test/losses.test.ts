/** The standard losses of classes and their gradients against PyTorch's: fixtures/make_losses.py. */
import { readFileSync } from 'node:fs'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { differentiate, grad, Graph, op, type Tensor } from '@evolmm/onnx'
import { float, model } from './support/broken-model'
import { runner, type Value } from './support/run'

type Name = 'SoftmaxCrossEntropyLoss' | 'NegativeLogLikelihoodLoss'
interface Expected {
  loss: (number | null)[]
  gradient: number[]
}
type Case = Record<Name, Expected> & {
  shape: number[]
  reduction: 'none' | 'sum' | 'mean'
  ignore_index: number | null
  scores: number[]
  labels: number[]
  weights: number[] | null
}

const file = new URL('fixtures/losses.json', import.meta.url)
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[]
const titles = cases.map((each): [string, Case] => [
  `[${each.shape.join(', ')}] ${each.reduction}${each.weights === null ? '' : ', weights'}, ignored: ${each.ignore_index ?? 'none'}`,
  each,
])

/** The loss of a case, from scores and labels. */
function lossOf(name: Name, each: Case, scores: Tensor, labels: Tensor): Tensor {
  const { graph } = scores.scope
  const weights = each.weights === null ? undefined : graph.constant('float64', [each.shape[1]], each.weights)
  const ignored = each.ignore_index === null ? {} : { ignore_index: each.ignore_index }
  const options = { reduction: each.reduction, ...ignored }
  return [op[name](scores, labels, weights, options)].flat()[0]
}

function graphOf(name: Name, each: Case, dtype: 'int64' | 'int32'): Graph {
  const graph = new Graph('loss')
  const [n, , ...rest] = each.shape
  const scores = graph.input('scores', 'float64', each.shape)
  const loss = lossOf(name, each, scores, graph.input('labels', dtype, [n, ...rest]))
  const factors = each[name].loss.map((_, i) => Math.sin(i + 1))
  const weighted = op.Mul(op.Reshape(loss, [-1]), graph.constant('float64', [factors.length], factors))
  const [gradient] = grad(op.ReduceSum(weighted, [0], { keepdims: 0 }), [scores])
  graph.output('gradient', op.Identity(gradient))
  graph.output('loss', op.Identity(loss))
  return graph
}

function feedsOf({ shape, scores, labels }: Case, dtype: 'int64' | 'int32'): Record<string, Value> {
  const [n, , ...rest] = shape
  const data = dtype === 'int64' ? BigInt64Array.from(labels, BigInt) : Int32Array.from(labels)
  return {
    scores: { dims: shape, data: Float64Array.from(scores) },
    labels: { dims: [n, ...rest], data },
  }
}

function expectClose({ data }: Value, expected: readonly (number | null)[]): void {
  expect(data).toHaveLength(expected.length)
  for (const [i, value] of expected.entries()) {
    if (value === null) expect(data[i]).toBeNaN()
    else expect(data[i]).toBeCloseTo(value, 12)
  }
}

describe.each(['SoftmaxCrossEntropyLoss', 'NegativeLogLikelihoodLoss'] as const)('%s', (name) => {
  test.each(titles)('%s', async (_, each) => {
    for (const dtype of ['int64', 'int32'] as const) {
      const run = await runner(graphOf(name, each, dtype), { intraOpNumThreads: 1 })
      const { loss, gradient } = await run(feedsOf(each, dtype))
      expectClose(loss, each[name].loss)
      expectClose(gradient, each[name].gradient)
    }
  })
})

// Exporters write the loss of a training graph without the log-probabilities, with which the gradient is made here.
test('a file whose loss gives no log-probabilities is differentiated', async () => {
  const each = cases.find(({ reduction, weights }) => reduction === 'mean' && weights !== null) ?? cases[0]
  expect(each.weights).not.toBeNull()
  const bytes = model({
    input: [
      { name: 'scores', type: float(...each.shape) },
      { name: 'labels', type: { tensorType: { elemType: 7, shape: float(each.shape[0]).tensorType.shape } } },
      { name: 'weights', type: float(each.shape[1]) },
    ],
    node: [{ opType: 'SoftmaxCrossEntropyLoss', input: ['scores', 'labels', 'weights'], output: ['loss'] }],
    output: [{ name: 'loss', type: float() }],
  })
  const session = await InferenceSession.create(differentiate(bytes, { loss: 'loss', wrt: ['scores'] }))
  const { scores_grad } = await session.run({
    scores: new OrtTensor('float32', Float32Array.from(each.scores), each.shape),
    labels: new OrtTensor('int64', BigInt64Array.from(each.labels, BigInt), each.shape.slice(0, 1)),
    weights: new OrtTensor('float32', Float32Array.from(each.weights ?? []), each.shape.slice(1, 2)),
  })
  // The fixture's gradient is that of the loss times sin(1).
  const expected = each.SoftmaxCrossEntropyLoss.gradient
  for (const [i, value] of expected.entries())
    expect(Number(scores_grad.data[i]) * Math.sin(1)).toBeCloseTo(value, 6)
})
