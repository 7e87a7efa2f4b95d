import { op, type Integers, type Tensor } from '@evolmm/onnx'
import { int, ints } from '../../src/graph/attribute'
import { emit } from '../../src/ops/emit'
import type { GradientCase, GradientCases } from '../support/gradient-case'

type Reduce = (x: Tensor, axes?: Integers, options?: op.ReduceOptions) => Tensor
type Range = readonly [number, number]

/** Every way to say which axes, on one operator. */
const ways = (reduce: Reduce, range: Range = [-2, 2]): GradientCase[] => [
  {
    name: 'one axis',
    shapes: [[2, 1, 3]],
    build: ([x]) => reduce(x, [-1]),
    range,
    random: (draw) => [draw.shape(1, 3)],
  },
  {
    name: 'two axes, dropped',
    shapes: [[2, 3, 2]],
    build: ([x]) => reduce(x, [0, -1], { keepdims: 0 }),
    range,
    random: (draw) => [draw.shape(2, 4)],
  },
  { name: 'all axes', shapes: [[2, 3]], build: ([x]) => reduce(x), range },
  {
    name: 'all axes, dropped',
    shapes: [[2, 3]],
    build: ([x]) => reduce(x, undefined, { keepdims: 0 }),
    range,
    random: (draw) => [draw.shape(0, 3)],
  },
  {
    name: 'axes of the run, dropped',
    shapes: [[2, 3]],
    build: ([x], graph) => {
      const axes = op.Mul(graph.constant('int64', [1], [1]), graph.constant('int64', [1], [-1]))
      return reduce(x, axes, { keepdims: 0 })
    },
    range,
  },
  {
    name: 'no axes means none',
    shapes: [[2, 3]],
    build: ([x]) => reduce(op.Mul(x, x), [], { noop_with_empty_axes: 1, keepdims: 0 }),
    range,
  },
  { name: 'an axis of length 1', shapes: [[2, 1]], build: ([x]) => reduce(x, [1]), range },
]

const single = (kernel: string, cases: GradientCase[]): GradientCase[] =>
  cases.map((each) => ({
    ...each,
    dtype: 'float32',
    tolerance: 1e-3,
    reason: `no float64 kernel for ${kernel}`,
  }))

const runningSum = (options: { exclusive?: 0 | 1; reverse?: 0 | 1 }, name: string): GradientCase => ({
  name,
  shapes: [[2, 3, 2]],
  build: ([x]) => op.CumSum(x, 1, options),
})

export const reduction: GradientCases = {
  ReduceSum: ways(op.ReduceSum),
  ReduceMean: [
    ...ways(op.ReduceMean),
    {
      name: 'axes as an attribute, before opset 18',
      opset: 17,
      shapes: [[2, 3, 2]],
      build: ([x], graph) =>
        emit(graph, 'ReduceMean', [x], { attributes: { axes: ints([0, -1]), keepdims: int(0) } }),
    },
  ],
  ReduceMax: [
    ...ways(op.ReduceMax),
    {
      name: 'ties',
      shapes: [[2, 3]],
      values: [[1, 2, 2, -1, -3, -1]],
      build: ([x]) => op.ReduceMax(x, [1]),
    },
  ],
  ReduceMin: [
    ...ways(op.ReduceMin),
    {
      name: 'ties',
      shapes: [[2, 3]],
      values: [[1, 2, 1, -1, -3, -3]],
      build: ([x]) => op.ReduceMin(x, [1]),
    },
  ],
  ReduceProd: [
    ...single('ReduceProd', ways(op.ReduceProd)),
    ...single('ReduceProd', [
      {
        name: 'zeros: none, one, two, all',
        shapes: [[4, 3]],
        values: [[1, 2, 3, 2, 0, -1.5, 0, 2, 0, 0, 0, 0]],
        build: ([x]) => op.ReduceProd(x, [1]),
      },
    ]),
  ],
  ReduceL1: single('ReduceL1', [...ways(op.ReduceL1, [0.1, 2]), ...ways(op.ReduceL1, [-2, -0.1])]),
  // A drawn shape may leave a norm of one number, which has a kink at zero.
  ReduceL2: single('ReduceL2', [
    { name: 'both signs', shapes: [[2, 3]], build: ([x]) => op.ReduceL2(x, [1]) },
    ...ways(op.ReduceL2, [0.5, 2]),
    ...ways(op.ReduceL2, [-2, -0.5]),
  ]),
  ReduceLogSum: single('ReduceLogSum', ways(op.ReduceLogSum, [0.5, 2])),
  ReduceLogSumExp: ways(op.ReduceLogSumExp),
  ReduceSumSquare: ways(op.ReduceSumSquare),
  CumSum: [
    { ...runningSum({}, 'plain'), random: (draw) => [[2, ...draw.shape(1, 2)]] },
    runningSum({ exclusive: 1 }, 'exclusive'),
    runningSum({ reverse: 1 }, 'reverse'),
    runningSum({ exclusive: 1, reverse: 1 }, 'exclusive, reverse'),
    { name: 'last axis', shapes: [[2, 3]], build: ([x]) => op.CumSum(x, -1) },
  ],
}
