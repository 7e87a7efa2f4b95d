/** Small random graphs around each operator: what shape inference is compared with the runtime on. */
import { op, type DType, type Graph, type Tensor } from '@evolmm/onnx'
import type { Draw } from './gradient-case'

interface Sample extends Draw {
  graph: Graph
  /** One of a list. */
  pick: <T>(list: readonly T[]) => T
  /** An input; its dimensions are numbers, shared names or names of their own at random. Floats lie in (0.1, 0.9). */
  input: (
    shape: readonly number[],
    dtype?: 'float32' | 'int64' | 'int32',
    values?: readonly number[],
  ) => Tensor
  /** A list of integers, as a constant or as an input whose elements are not known. */
  list: (values: readonly number[]) => Tensor
}

export type Make = (s: Sample) => Tensor | Tensor[]

const each = (names: string, make: (call: (...inputs: unknown[]) => Tensor) => Make): Record<string, Make> =>
  Object.fromEntries(
    names.split(' ').map((name) => [name, make(op[name as 'Abs'] as (...inputs: unknown[]) => Tensor)]),
  )
const bool = (x: Tensor): Tensor => op.Less(x, 0.5)
const to = (x: Tensor, dtype: DType): Tensor => op.Cast(x, { to: dtype })
const product = (dims: readonly number[]): number => dims.reduce((total, dim) => total * dim, 1)
const axisOf = (s: Sample, rank: number): number => s.integer(-rank, rank - 1)
const axesOf = (s: Sample, rank: number): number[] =>
  Array.from({ length: rank }, (_, axis) => axis)
    .filter(() => s.integer(0, 1) === 1)
    .map((axis) => axis - rank * s.integer(0, 1))

const elementwise: Record<string, Make> = {
  ...each(
    'Abs Neg Exp Log Sqrt Reciprocal Floor Ceil Round Sign Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh ' +
      'Atanh Sigmoid Erf Relu Softplus Softsign HardSwish Mish Identity IsNaN IsInf LeakyRelu Elu Celu Selu HardSigmoid ' +
      'ThresholdedRelu Gelu',
    (call) => (s) => call(s.input(s.shape(0, 3))),
  ),
  ...each(
    'Add Sub Mul Div Pow Equal Less LessOrEqual Greater GreaterOrEqual Min Max Sum Mean',
    (call) => (s) => {
      const [a, b] = s.broadcast(2)
      return call(s.input(a), s.input(b))
    },
  ),
  ...each('And Or Xor', (call) => (s) => {
    const [a, b] = s.broadcast(2)
    return call(bool(s.input(a)), bool(s.input(b)))
  }),
  ...each('BitwiseAnd BitwiseOr BitwiseXor Mod', (call) => (s) => {
    const [a, b] = s.broadcast(2)
    const positive = (x: Tensor) => op.Add(op.Mul(x, x), 1)
    return call(positive(s.input(a, 'int64')), positive(s.input(b, 'int64')))
  }),
  BitShift: (s) => {
    const [a, b] = s.broadcast(2)
    const unsigned = (shape: number[]) => to(s.input(shape), 'uint32')
    return op.BitShift(unsigned(a), unsigned(b), { direction: s.pick(['LEFT', 'RIGHT']) })
  },
  PRelu: (s) => {
    const shape = s.shape(1, 3)
    return op.PRelu(s.input(shape), s.input([s.pick([1, shape[shape.length - 1]])]))
  },
  Not: (s) => op.Not(bool(s.input(s.shape(0, 3)))),
  Where: (s) => {
    const [a, b, c] = s.broadcast(3)
    return op.Where(bool(s.input(a)), s.input(b), s.input(c))
  },
  Cast: (s) => to(s.input(s.shape(0, 3)), s.pick(['int64', 'float64', 'bool', 'int32'] as const)),
  CastLike: (s) => op.CastLike(s.input(s.shape(0, 3)), s.input([1], 'int64')),
  Clip: (s) => op.Clip(s.input(s.shape(0, 3)), 0.2, 0.6),
}

const reduction: Record<string, Make> = {
  ...each(
    'ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare',
    (call) => (s) => {
      const shape = s.shape(1, 3)
      const options = { keepdims: s.pick([0, 1]), noop_with_empty_axes: s.pick([0, 1]) }
      const axes = axesOf(s, shape.length)
      return call(s.input(shape), s.pick([undefined, axes, s.list(axes)]), options)
    },
  ),
  ...each('ArgMax ArgMin', (call) => (s) => {
    const shape = s.shape(1, 3)
    return call(s.input(shape), { axis: axisOf(s, shape.length), keepdims: s.pick([0, 1]) })
  }),
  CumSum: (s) => {
    const shape = s.shape(1, 3)
    return op.CumSum(s.input(shape), axisOf(s, shape.length))
  },
}

const normalization: Record<string, Make> = {
  ...each('Softmax LogSoftmax', (call) => (s) => {
    const shape = s.shape(1, 3)
    return call(s.input(shape), { axis: axisOf(s, shape.length) })
  }),
  LayerNormalization: (s) => {
    const shape = s.shape(1, 3)
    return op.LayerNormalization(s.input(shape), s.input(shape.slice(-1)), s.input(shape.slice(-1)))
  },
  RMSNormalization: (s) => {
    s.graph.opset = 23
    const shape = s.shape(1, 3)
    return op.RMSNormalization(s.input(shape), s.input(shape.slice(-1)))
  },
  GroupNormalization: (s) => {
    const [batch, side] = s.shape(2, 2)
    return op.GroupNormalization(s.input([batch, 4, side]), s.input([4]), s.input([4]), { num_groups: 2 })
  },
  InstanceNormalization: (s) => {
    const [batch, channels, side] = s.shape(3, 3)
    return op.InstanceNormalization(
      s.input([batch, channels, side]),
      s.input([channels]),
      s.input([channels]),
    )
  },
  BatchNormalization: (s) => {
    const [batch, channels, side] = s.shape(3, 3)
    const row = () => s.input([channels])
    return op.BatchNormalization(s.input([batch, channels, side]), row(), row(), row(), row())
  },
  Dropout: (s) => op.Dropout(s.input(s.shape(1, 3)), 0.5),
}

const losses: Record<string, Make> = Object.fromEntries(
  (['SoftmaxCrossEntropyLoss', 'NegativeLogLikelihoodLoss'] as const).map((name) => [
    name,
    (s) => {
      const [batch, classes, ...rest] = s.shape(2, 4)
      const labels = s.input([batch, ...rest], s.pick(['int64', 'int32']))
      return op[name](s.input([batch, classes, ...rest]), labels, s.pick([undefined, s.input([classes])]), {
        reduction: s.pick(['none', 'sum', 'mean']),
        ...s.pick([{}, { ignore_index: -100 }]),
      })
    },
  ]),
)

const shaping: Record<string, Make> = {
  Reshape: (s) => {
    const shape = s.shape(1, 3)
    const target = s.pick([
      [-1],
      [0, -1],
      [-1, ...shape.slice(1)],
      [1, product(shape), 1],
      [...shape].reverse(),
    ])
    return op.Reshape(s.input(shape), s.list(target))
  },
  Transpose: (s) => {
    const shape = s.shape(0, 4)
    const perm = shape.map((_, axis) => axis)
    perm.push(...perm.splice(0, s.integer(0, shape.length)))
    return op.Transpose(s.input(shape), s.pick([{}, { perm }]))
  },
  Squeeze: (s) => {
    const shape = s.shape(1, 3).flatMap((dim) => [dim, 1])
    const axes = axesOf(s, shape.length).filter((axis) => shape.at(axis) === 1)
    const x = s.input(shape)
    return axes.length === 0 ? op.Squeeze(x) : op.Squeeze(x, s.list([...new Set(axes)]))
  },
  Unsqueeze: (s) => op.Unsqueeze(s.input(s.shape(0, 2)), s.list(s.pick([[0], [-1], [0, -1], [1, 0]]))),
  Flatten: (s) => {
    const shape = s.shape(1, 4)
    return op.Flatten(s.input(shape), { axis: s.integer(-shape.length, shape.length) })
  },
  Concat: (s) => {
    const shape = s.shape(1, 3)
    const axis = axisOf(s, shape.length)
    const at = axis < 0 ? axis + shape.length : axis
    const part = () => s.input(shape.map((dim, i) => (i === at ? s.integer(0, 3) : dim)))
    return op.Concat([part(), part(), part()], { axis })
  },
  Split: (s) => {
    const shape = s.shape(1, 3)
    const axis = axisOf(s, shape.length)
    const at = axis < 0 ? axis + shape.length : axis
    const sizes = s.pick([[2, 3], [1, 0, 4], [5]])
    const x = s.input(shape.map((dim, i) => (i === at ? 5 : dim)))
    return s.integer(0, 1) === 1
      ? op.Split(x, s.list(sizes), { axis })
      : op.Split(x, undefined, { axis, num_outputs: s.pick([1, 2, 3, 5]) })
  },
  Expand: (s) => {
    const [a, b] = s.broadcast(2)
    return op.Expand(s.input(a), s.pick([s.list(b), op.Shape(s.input(b))]))
  },
  Tile: (s) => {
    const shape = s.shape(1, 3)
    return op.Tile(s.input(shape), s.list(shape.map(() => s.integer(0, 3))))
  },
  Pad: (s) => {
    const shape = s.shape(1, 3).map((dim) => dim + 1)
    const axis = axisOf(s, shape.length)
    return s.integer(0, 1) === 1
      ? op.Pad(s.input(shape), s.list([...shape, ...shape].map(() => s.integer(-1, 2))))
      : op.Pad(s.input(shape), s.list([1, -1]), 0.5, s.list([axis]), { mode: s.pick(['constant', 'edge']) })
  },
  DepthToSpace: (s) => {
    const [batch, channels, height, width] = s.shape(4, 4)
    return op.DepthToSpace(s.input([batch, 4 * channels, height, width]), {
      blocksize: 2,
      mode: s.pick(['DCR', 'CRD']),
    })
  },
  SpaceToDepth: (s) => {
    const [batch, channels, height, width] = s.shape(4, 4)
    return op.SpaceToDepth(s.input([batch, channels, 2 * height, 2 * width]), { blocksize: 2 })
  },
  Trilu: (s) => op.Trilu(s.input(s.shape(2, 4)), s.integer(-2, 2), { upper: s.pick([0, 1]) }),
  ReverseSequence: (s) => {
    const [time, batch, width] = s.shape(3, 3)
    return op.ReverseSequence(s.input([time, batch, width]), s.list(Array.from({ length: batch }, () => 1)))
  },
  Shape: (s) => {
    const range = s.pick([{}, { start: 1 }, { end: -1 }, { start: -2, end: 9 }, { start: 2, end: 1 }])
    return op.Shape(s.input(s.shape(0, 3)), range)
  },
  Size: (s) => op.Size(s.input(s.shape(0, 3))),
}

const indexing: Record<string, Make> = {
  Gather: (s) => {
    const shape = s.shape(1, 3)
    const indices = s.shape(0, 2)
    return op.Gather(s.input(shape), s.input(indices, 'int64', indices.length === 0 ? [-1] : undefined), {
      axis: axisOf(s, shape.length),
    })
  },
  GatherElements: (s) => {
    const shape = s.shape(1, 3)
    const axis = axisOf(s, shape.length)
    const at = axis < 0 ? axis + shape.length : axis
    const indices = shape.map((dim, i) => (i === at ? s.integer(1, 4) : dim))
    return op.GatherElements(s.input(shape), s.input(indices, 'int64'), { axis })
  },
  GatherND: (s) => {
    const shape = s.shape(2, 4)
    const batch = s.integer(0, 1)
    const depth = s.integer(1, shape.length - batch)
    const indices = [...shape.slice(0, batch), ...s.shape(0, 2), depth]
    const known = op.Reshape(s.input(indices, 'int64'), indices)
    return op.GatherND(s.input(shape), known, { batch_dims: batch })
  },
  ScatterElements: (s) => {
    const shape = s.shape(1, 3)
    return op.ScatterElements(s.input(shape), s.input(shape, 'int64'), s.input(shape), { reduction: 'add' })
  },
  ScatterND: (s) => {
    const [rows, width] = s.shape(2, 2)
    return op.ScatterND(s.input([rows, width]), s.input([2, 1], 'int64'), s.input([2, width]), {
      reduction: s.pick(['add', 'mul', 'max']),
    })
  },
  Slice: (s) => {
    const shape = s.shape(1, 3).map((dim) => 2 * dim)
    const axis = axisOf(s, shape.length)
    const bound = () => s.pick([-99, -3, -1, 0, 1, 2, 5, 2 ** 31])
    if (s.integer(0, 2) === 0) return op.Slice(s.input(shape), s.list([bound()]), s.list([bound()]))
    const steps = s.list([s.pick([1, 2, 3, -1, -2])])
    return op.Slice(
      s.input(shape),
      s.list([bound()]),
      s.list([bound()]),
      s.pick([[axis], s.list([axis])]),
      steps,
    )
  },
  TopK: (s) => {
    const shape = s.shape(1, 3)
    return op.TopK(s.input(shape), s.list([1]), { axis: axisOf(s, shape.length) })
  },
  OneHot: (s) => {
    const shape = s.shape(1, 2)
    const depth = s.pick([3, op.Squeeze(s.list([4]))])
    return op.OneHot(s.input(shape, 'int64'), depth, s.input([2]), { axis: axisOf(s, shape.length + 1) })
  },
}

const matrix: Record<string, Make> = {
  MatMul: (s) => {
    const inner = s.integer(1, 3)
    const [a, b] = s.broadcast(2)
    const left = s.pick([[inner], [...a, 2, inner]])
    return op.MatMul(s.input(left), s.input(s.pick([[inner], [...b, inner, 3]])))
  },
  Gemm: (s) => {
    const [rows, inner, columns] = s.shape(3, 3)
    const [transA, transB] = [s.pick([0, 1] as const), s.pick([0, 1] as const)]
    const a = s.input(transA === 1 ? [inner, rows] : [rows, inner])
    const b = s.input(transB === 1 ? [columns, inner] : [inner, columns])
    return op.Gemm(a, b, s.pick([undefined, s.input([columns]), s.input([rows, 1])]), { transA, transB })
  },
  Einsum: (s) => {
    const [i, j, k] = s.shape(3, 3)
    const [terms, ...shapes] = s.pick<[string, ...number[][]]>([
      ['ij,jk->ki', [i, j], [j, k]],
      ['ij,jk', [i, j], [j, k]],
      ['...ij->...ji', [k, i, j]],
      ['...i,...i->...', [k, 1, i], [k, j, i]],
      ['ii->i', [i, i]],
      ['ij,j->', [i, j], [j]],
    ])
    return op.Einsum(
      shapes.map((shape) => s.input(shape)),
      { equation: terms },
    )
  },
}

const convolution: Record<string, Make> = {
  Conv: (s) => {
    const [batch, channels, outputs] = s.shape(3, 3)
    const group = s.pick([1, 2])
    const options = {
      group,
      strides: [s.integer(1, 3), 1],
      dilations: [1, s.integer(1, 2)],
      pads: [0, 1, s.integer(0, 2), 0],
    }
    const x = s.input([batch, group * channels, s.integer(3, 6), 4])
    return op.Conv(x, s.input([group * outputs, channels, 3, 2]), undefined, options)
  },
  ConvTranspose: (s) => {
    const [batch, channels, outputs] = s.shape(3, 3)
    const options = {
      strides: [s.integer(2, 3)],
      pads: [s.integer(0, 1), 1],
      output_padding: [s.integer(0, 1)],
    }
    return op.ConvTranspose(
      s.input([batch, channels, s.integer(2, 4)]),
      s.input([channels, outputs, 3]),
      s.input([outputs]),
      options,
    )
  },
  GlobalAveragePool: (s) => op.GlobalAveragePool(s.input(s.shape(3, 4))),
}

const creation: Record<string, Make> = {
  ConstantOfShape: (s) =>
    op.ConstantOfShape(s.list(s.shape(0, 3)), s.pick([undefined, s.graph.constant('int64', [1], [3])])),
  EyeLike: (s) =>
    op.EyeLike(s.input(s.shape(2, 2)), { dtype: s.pick(['float32', 'int64']), k: s.integer(-1, 1) }),
  NonZero: (s) => op.NonZero(s.input(s.shape(1, 3), 'int64')),
  Range: (s) => {
    const number = (value: number) => op.Squeeze(s.list([value]), [0])
    return op.Range(number(s.integer(-2, 2)), number(s.integer(-2, 6)), number(s.pick([1, 2, -1])))
  },
  zerosLike: (s) => op.zerosLike(s.input(s.shape(0, 3))),
  onesLike: (s) => op.onesLike(s.input(s.shape(0, 3))),
}

const controlFlow: Record<string, Make> = {
  If: (s) => {
    const [a, b] = [s.input(s.shape(1, 1)), s.input(s.shape(1, 1))]
    return op.If(
      op.Less(op.ReduceSum(a, undefined, { keepdims: 0 }), s.pick([0, 9])),
      () => [op.Exp(a), a],
      () => [op.Neg(b), op.Mul(a, a)],
    )
  },
  Loop: (s) => {
    const shape = s.shape(1, 2)
    const [x, y] = [s.input(shape), s.input(shape)]
    const trips = s.integer(0, 3)
    return op.Loop({ trips: op.Squeeze(s.list([trips]), [0]), carried: [x, x] }, (_, kept, growing) => ({
      carried: [op.Add(kept, y), op.Concat([growing, y], { axis: 0 })],
      // Of entries that were never made the runtime knows only the dimensions that are numbers.
      stacked: trips === 0 ? [] : [op.Exp(kept)],
    }))
  },
  Scan: (s) => {
    const [length, width] = s.shape(2, 2)
    return op.Scan({ states: [s.input([width])], inputs: [s.input([length, width])] }, (state, entry) => ({
      states: [op.Add(state, entry)],
      stacked: [op.Mul(state, entry), op.ReduceSum(entry, undefined, { keepdims: 0 })],
    }))
  },
}

/** Samples by name: here one that shape inference knows. */
const byName: Record<string, Make> = {
  node: (s) => op.node('Transpose', [s.input(s.shape(1, 3))]),
}

export const samples = {
  elementwise,
  reduction,
  normalization,
  losses,
  shaping,
  indexing,
  matrix,
  convolution,
  creation,
  controlFlow,
  byName,
}
