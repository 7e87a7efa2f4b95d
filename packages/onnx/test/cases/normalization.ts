import { op, type Tensor } from '@evolmm/onnx'
import type { GradientCase, GradientCases } from '../support/gradient-case'

const along = (build: (x: Tensor, options?: { axis?: number }) => Tensor): GradientCase[] => [
  {
    name: 'last axis',
    shapes: [[2, 1, 4]],
    build: ([x]) => build(x),
    random: (draw) => [draw.shape(1, 3)],
  },
  { name: 'first axis', shapes: [[3, 2]], build: ([x]) => build(x, { axis: 0 }) },
  { name: 'middle axis', shapes: [[2, 3, 2]], build: ([x]) => build(x, { axis: -2 }) },
]

const single = (kernel: string, each: GradientCase): GradientCase => ({
  ...each,
  dtype: 'float32',
  tolerance: 1e-3,
  reason: `no float64 kernel for ${kernel}`,
})

/** A sample of the input, so that differences do not meet a variance near 0. */
const spread = (count: number): number[] => Array.from({ length: count }, (_, i) => 2 * Math.sin(7 * i + 1))

export const normalization: GradientCases = {
  Softmax: along(op.Softmax),
  LogSoftmax: along(op.LogSoftmax),
  LayerNormalization: [
    {
      name: 'scale and bias',
      shapes: [[2, 1, 4], [4], [4]],
      build: ([x, scale, bias]) => op.LayerNormalization(x, scale, bias),
    },
    {
      name: 'with the statistics of the forward pass',
      dtype: 'float32',
      tolerance: 1e-3,
      reason: 'the runtime keeps statistics in float32 only',
      shapes: [[2, 5], [5], [5]],
      values: [spread(10)],
      build: ([x, scale, bias]) => op.LayerNormalization(x, scale, bias),
    },
    { name: 'no bias', shapes: [[3, 4], [4]], build: ([x, scale]) => op.LayerNormalization(x, scale) },
    {
      name: 'two axes, epsilon',
      shapes: [
        [2, 3, 2],
        [3, 2],
        [3, 2],
      ],
      build: ([x, scale, bias]) => op.LayerNormalization(x, scale, bias, { axis: 1, epsilon: 0.1 }),
    },
  ],
  RMSNormalization: [
    {
      name: 'scale',
      opset: 23,
      shapes: [[2, 1, 4], [4]],
      build: ([x, scale]) => op.RMSNormalization(x, scale),
    },
    {
      name: 'two axes, epsilon',
      opset: 23,
      shapes: [
        [2, 3, 2],
        [3, 2],
      ],
      build: ([x, scale]) => op.RMSNormalization(x, scale, { axis: 1, epsilon: 0.1 }),
    },
  ],
  GroupNormalization: [
    {
      name: 'two groups',
      shapes: [[2, 4, 3], [4], [4]],
      build: ([x, scale, bias]) =>
        op.GroupNormalization(x, scale, bias, { num_groups: 2, stash_type: 'float64' }),
    },
    {
      name: 'one group, two axes',
      shapes: [[2, 2, 2, 2], [2], [2]],
      build: ([x, scale, bias]) =>
        op.GroupNormalization(x, scale, bias, { num_groups: 1, epsilon: 0.1, stash_type: 'float64' }),
    },
  ],
  InstanceNormalization: [
    single('InstanceNormalization', {
      name: 'one axis',
      shapes: [[2, 2, 4], [2], [2]],
      values: [spread(16)],
      build: ([x, scale, bias]) => op.InstanceNormalization(x, scale, bias, { epsilon: 0.1 }),
    }),
    single('InstanceNormalization', {
      name: 'two axes',
      shapes: [[1, 3, 2, 3], [3], [3]],
      values: [spread(18)],
      build: ([x, scale, bias]) => op.InstanceNormalization(x, scale, bias),
    }),
  ],
  BatchNormalization: [
    {
      name: 'images',
      shapes: [[2, 3, 2, 2], [3], [3], [3], [3]],
      range: [0.5, 2],
      build: ([x, scale, bias, mean, variance]) => op.BatchNormalization(x, scale, bias, mean, variance),
    },
    {
      name: 'rows, epsilon',
      shapes: [[4, 2], [2], [2], [2], [2]],
      range: [0.5, 2],
      build: ([x, scale, bias, mean, variance]) =>
        op.BatchNormalization(x, scale, bias, mean, variance, { epsilon: 0.1 }),
    },
  ],
  Dropout: [
    { name: 'inference', shapes: [[2, 3]], build: ([x]) => op.Dropout(op.Mul(x, x), 0.4) },
    {
      name: 'training_mode false',
      shapes: [[2, 3]],
      build: ([x], graph) => op.Dropout(op.Mul(x, x), 0.4, graph.constant('bool', [], [0])),
    },
  ],
}
