import { op, type Tensor } from '@evolmm/onnx'
import type { GradientCase, GradientCases } from '../support/gradient-case'

type Range = readonly [number, number]

/** Functions of one variable: one fixed shape and random ones. */
const unary = (build: (x: Tensor) => Tensor, range: Range = [-2, 2], name?: string): GradientCase => ({
  ...(name !== undefined && { name }),
  shapes: [[2, 1, 3]],
  build: ([x]) => build(x),
  range,
  random: (draw) => [draw.shape(0, 3)],
})

/** A case in float32, because the runtime computes `kernel` in nothing wider. */
const single = (kernel: string, each: GradientCase): GradientCase => ({
  ...each,
  dtype: 'float32',
  tolerance: 1e-3,
  reason: `no float64 kernel for ${kernel}`,
})

/** Cases in float32, one for each stretch between two kinks. */
const pieces = (
  kernel: string,
  build: (x: Tensor) => Tensor,
  ranges: readonly Range[],
  name = '',
): GradientCase[] =>
  ranges.map((range) => single(kernel, unary(build, range, `${name} ${range.join(' to ')}`.trim())))

const belowAndAbove: Range[] = [
  [-2, -0.1],
  [0.1, 2],
]

/** Functions of two: broadcast both ways, a scalar, equal shapes, random ones. */
const binary = (build: (a: Tensor, b: Tensor) => Tensor, range: Range = [-2, 2]): GradientCase[] => [
  {
    shapes: [
      [2, 1, 3],
      [4, 1],
    ],
    build: ([a, b]) => build(a, b),
    range,
    random: (draw) => draw.broadcast(2),
  },
  { name: 'scalar', shapes: [[2, 2], []], build: ([a, b]) => build(a, b), range },
  { name: 'with itself', shapes: [[3]], build: ([a]) => build(a, a), range },
]

const variadic = (build: (...inputs: Tensor[]) => Tensor): GradientCase[] => [
  {
    name: 'broadcast',
    shapes: [[2, 3], [3], [2, 1]],
    build: (inputs) => build(...inputs),
    random: (draw) => draw.broadcast(3),
  },
  { name: 'one input', shapes: [[2, 3]], build: ([a]) => build(a) },
]

export const elementwise: GradientCases = {
  Abs: [{ ...unary(op.Abs), kinks: [0] }],
  Neg: [unary(op.Neg)],
  Exp: [unary(op.Exp)],
  Log: [unary(op.Log, [0.3, 3])],
  Sqrt: [unary(op.Sqrt, [0.3, 3])],
  Reciprocal: [unary(op.Reciprocal, [0.5, 2]), unary(op.Reciprocal, [-2, -0.5], 'negative')],
  Sin: [unary(op.Sin)],
  Cos: [unary(op.Cos)],
  Tan: [single('Tan', unary(op.Tan, [-1, 1]))],
  Asin: [single('Asin', unary(op.Asin, [-0.8, 0.8]))],
  Acos: [single('Acos', unary(op.Acos, [-0.8, 0.8]))],
  Atan: [single('Atan', unary(op.Atan))],
  Sinh: [single('Sinh', unary(op.Sinh))],
  Cosh: [single('Cosh', unary(op.Cosh))],
  Tanh: [unary(op.Tanh)],
  Asinh: [single('Asinh', unary(op.Asinh))],
  Acosh: [single('Acosh', unary(op.Acosh, [1.3, 3]))],
  Atanh: [single('Atanh', unary(op.Atanh, [-0.8, 0.8]))],
  Erf: [single('Erf', unary(op.Erf))],
  Identity: [unary(op.Identity)],

  // Their gradient is zero, which is also what differences say away from the steps.
  Floor: [unary((x) => op.Add(op.Floor(x), x), [0.1, 0.9])],
  Ceil: [unary((x) => op.Add(op.Ceil(x), x), [0.1, 0.9])],
  Round: [unary((x) => op.Add(op.Round(x), x), [0.6, 1.4])],
  Sign: [unary((x) => op.Add(op.Sign(x), x), [0.1, 2])],

  Sigmoid: [unary(op.Sigmoid)],
  Relu: [{ ...unary(op.Relu), kinks: [0] }],
  LeakyRelu: [
    ...pieces('LeakyRelu', (x) => op.LeakyRelu(x), belowAndAbove),
    ...pieces('LeakyRelu', (x) => op.LeakyRelu(x, { alpha: 0.3 }), belowAndAbove, 'alpha'),
  ],
  ThresholdedRelu: [
    ...pieces('ThresholdedRelu', (x) => op.ThresholdedRelu(x), [
      [-2, 0.9],
      [1.1, 3],
    ]),
    ...pieces('ThresholdedRelu', (x) => op.ThresholdedRelu(x, { alpha: 2 }), [[2.1, 3]], 'alpha'),
  ],
  Elu: [
    ...pieces('Elu', (x) => op.Elu(x), belowAndAbove),
    ...pieces('Elu', (x) => op.Elu(x, { alpha: 0.7 }), belowAndAbove, 'alpha'),
  ],
  Selu: [
    ...pieces('Selu', (x) => op.Selu(x), belowAndAbove),
    ...pieces('Selu', (x) => op.Selu(x, { alpha: 0.7, gamma: 2 }), belowAndAbove, 'alpha, gamma'),
  ],
  Celu: [
    ...pieces('Celu', (x) => op.Celu(x), belowAndAbove),
    ...pieces('Celu', (x) => op.Celu(x, { alpha: 0.7 }), belowAndAbove, 'alpha'),
  ],
  Softplus: [single('Softplus', unary(op.Softplus))],
  Softsign: pieces('Softsign', op.Softsign, belowAndAbove),
  HardSigmoid: [
    ...pieces('HardSigmoid', (x) => op.HardSigmoid(x), [
      [-4, -2.6],
      [-2.4, 2.4],
      [2.6, 4],
    ]),
    ...pieces(
      'HardSigmoid',
      (x) => op.HardSigmoid(x, { alpha: 0.5, beta: 0.3 }),
      [[-0.5, 1.3]],
      'alpha, beta',
    ),
  ],
  HardSwish: pieces('HardSigmoid', op.HardSwish, [
    [-5, -3.1],
    [-2.9, 2.9],
    [3.1, 5],
  ]),
  Gelu: [
    single(
      'Erf',
      unary((x) => op.Gelu(x)),
    ),
    unary((x) => op.Gelu(x, { approximate: 'tanh' }), [-2, 2], 'tanh'),
  ],
  Mish: [single('Softplus', unary(op.Mish))],

  Add: binary(op.Add),
  Sub: binary(op.Sub),
  Mul: binary(op.Mul),
  Div: binary(op.Div, [0.5, 2]),
  Pow: [
    ...binary(op.Pow, [0.5, 2]),
    unary((x) => op.Pow(x, 2), [-2, 2], 'square'),
    unary((x) => op.Pow(x, 3), [-2, 2], 'cube'),
    unary((x) => op.Pow(x, 1), [-2, 2], 'power 1'),
    unary((x) => op.Pow(x, 0), [-2, 2], 'power 0'),
    unary((x) => op.Pow(x, -1.5), [0.5, 2], 'negative power'),
    {
      name: 'base 0, even and odd powers of negative bases',
      shapes: [[4]],
      values: [[0, -1.5, 0, -2]],
      build: ([x], graph) => op.Pow(x, op.Mul(graph.constant('float64', [4], [0, 3, 2, -2]), 1)),
    },
    {
      name: 'integer powers',
      shapes: [[3]],
      build: ([x], graph) => op.Pow(x, graph.constant('int64', [3], [1, 2, 3])),
    },
  ],
  Mod: [
    {
      shapes: [
        [2, 3],
        [2, 1],
      ],
      values: [
        [3.2, -4.1, 7.7, 1.1, -0.4, 9.3],
        [1.5, -2.2],
      ],
      build: ([a, b]) => op.Mod(a, b, { fmod: 1 }),
    },
  ],
  Min: variadic(op.Min),
  Max: variadic(op.Max),
  Sum: variadic(op.Sum),
  Mean: variadic(op.Mean).map((each) => single('Mean', each)),
  PRelu: [
    single('PRelu', {
      shapes: [
        [2, 3],
        [2, 1],
      ],
      values: [[-1.5, -0.2, 0.3, 2, 0.8, -0.7], undefined],
      build: ([x, slope]) => op.PRelu(x, slope),
    }),
    single('PRelu', {
      name: 'one slope',
      shapes: [[4], []],
      values: [[-1.5, -0.2, 0.3, 2], [0.3]],
      build: ([x, slope]) => op.PRelu(x, slope),
    }),
  ],
  Clip: [
    {
      shapes: [[2, 1, 3], [], []],
      values: [[-2, -0.6, -0.4, 0.1, 0.8, 1.7], [-0.5], [0.7]],
      build: ([x, low, high]) => op.Clip(x, low, high),
    },
    { ...unary((x) => op.Clip(x, -0.5), [-2, 2], 'only min'), kinks: [-0.5] },
    { ...unary((x) => op.Clip(x, undefined, 0.5), [-2, 2], 'only max'), kinks: [0.5] },
    unary((x) => op.Clip(x), [-2, 2], 'no bounds'),
  ],
  Where: [
    {
      shapes: [
        [2, 1, 3],
        [4, 1],
      ],
      build: ([a, b]) => op.Where(op.Less(a, b), op.Mul(a, b), b),
      random: (draw) => draw.broadcast(2),
    },
    {
      name: 'broadcast values',
      shapes: [[], [3]],
      build: ([a, b], graph) => op.Where(graph.constant('bool', [2, 1], [1, 0]), a, b),
    },
    { name: 'number', shapes: [[3]], build: ([a]) => op.Where(op.Greater(a, 0), a, 1) },
  ],
  Cast: [
    {
      name: 'to float64 and back',
      dtype: 'float32',
      tolerance: 1e-3,
      reason: 'the cast is between float32 and float64',
      shapes: [[2, 3]],
      build: ([x]) => op.Cast(op.Exp(op.Cast(x, { to: 'float64' })), { to: 'float32' }),
    },
    unary((x) => op.Cast(op.Sin(x), { to: 'float64' }), [-2, 2], 'to the same type'),
    unary(
      (x) => op.Mul(op.Cast(op.Cast(x, { to: 'int64' }), { to: x.dtype }), x),
      [0.1, 0.9],
      'through integers, where nothing passes',
    ),
  ],
  CastLike: [
    {
      dtype: 'float32',
      tolerance: 1e-3,
      reason: 'the cast is between float32 and float64',
      shapes: [[2, 3]],
      build: ([x], graph) => op.CastLike(op.Exp(x), graph.constant('float64', [], [0])),
    },
  ],
}
