import { op, type Graph, type Tensor } from '@evolmm/onnx'
import type { GradientCase, GradientCases } from '../support/gradient-case'

const labels = (graph: Graph, dims: readonly number[], values: readonly number[], dtype: 'int64' | 'int32') =>
  graph.constant(dtype, dims, values)

type Loss = (scores: Tensor, labels: Tensor, weights?: Tensor, options?: op.LossOptions) => Tensor | Tensor[]

const loss = (build: Loss): GradientCase[] => [
  {
    name: 'mean',
    shapes: [[3, 4]],
    build: ([x], graph) => build(x, labels(graph, [3], [2, 0, 2], 'int64')),
  },
  {
    name: 'sum, two axes, labels of 32 bits',
    shapes: [[2, 3, 2, 2]],
    build: ([x], graph) =>
      build(x, labels(graph, [2, 2, 2], [0, 1, 2, 2, 1, 0, 0, 0], 'int32'), undefined, { reduction: 'sum' }),
  },
  {
    name: 'each element, weights, an ignored class',
    range: [0.5, 2],
    shapes: [[2, 3, 4], [3]],
    build: ([x, weights], graph) =>
      build(x, labels(graph, [2, 4], [0, 1, 2, 2, 1, 0, 0, 1], 'int64'), weights, {
        reduction: 'none',
        ignore_index: 1,
      }),
  },
  {
    name: 'weighted mean, labels that are none',
    range: [0.5, 2],
    shapes: [[4, 3, 2], [3]],
    build: ([x, weights], graph) =>
      build(x, labels(graph, [4, 2], [0, -100, 2, 2, 1, -100, -100, 1], 'int64'), weights, {
        ignore_index: -100,
      }),
  },
  {
    name: 'weighted sum',
    range: [0.5, 2],
    shapes: [[5, 2], [2]],
    build: ([x, weights], graph) =>
      build(x, labels(graph, [5], [0, 1, 1, 0, 1], 'int64'), weights, { reduction: 'sum' }),
  },
  {
    name: 'mean of those that count',
    shapes: [[3, 2, 2]],
    build: ([x], graph) =>
      build(x, labels(graph, [3, 2], [0, 9, 1, 1, 9, 0], 'int64'), undefined, { ignore_index: 9 }),
  },
]

export const losses: GradientCases = {
  SoftmaxCrossEntropyLoss: [
    ...loss((...inputs) => op.SoftmaxCrossEntropyLoss(...inputs)[0]),
    ...loss(op.SoftmaxCrossEntropyLoss).map(({ name, ...each }) => ({
      name: `${name}, log-probabilities`,
      ...each,
    })),
    {
      name: 'log-probabilities alone',
      shapes: [[2, 3]],
      build: ([x], graph) => op.SoftmaxCrossEntropyLoss(x, labels(graph, [2], [1, 2], 'int64'))[1],
    },
  ],
  NegativeLogLikelihoodLoss: loss(op.NegativeLogLikelihoodLoss),
}
