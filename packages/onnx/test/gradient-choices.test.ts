/** Gradients where differences cannot tell: kinks, ties, and points at which a careless formula makes NaN or infinity. */
import { describe, expect, test } from 'vitest'
import { grad, Graph, op, type Tensor } from '@evolmm/onnx'
import { emit } from '../src/ops/emit'
import { runner } from './support/run'

/** Gradients of the sum of what `build` makes from vectors with the given contents, in float32. */
async function gradients(vectors: number[][], build: (...x: Tensor[]) => Tensor): Promise<number[][]> {
  const graph = new Graph('choices')
  const inputs = vectors.map((vector, i) => graph.input(`x${i}`, 'float32', [vector.length]))
  const loss = op.ReduceSum(build(...inputs), undefined, { keepdims: 0 })
  for (const [i, gradient] of grad(loss, inputs).entries()) graph.output(`g${i}`, op.Identity(gradient))
  const run = await runner(graph)
  const results = await run(
    Object.fromEntries(
      vectors.map((vector, i) => [`x${i}`, { dims: [vector.length], data: Float32Array.from(vector) }]),
    ),
  )
  // A zero has no sign here.
  return inputs.map((_, i) => Array.from(results[`g${i}`].data as Float32Array, (value) => value + 0))
}

/** The slopes of a function of one variable. */
const slopes = async (at: number[], build: (x: Tensor) => Tensor): Promise<number[]> =>
  (await gradients([at], build))[0]

describe('ties', () => {
  test('Max and Min share equally', async () => {
    const max = await gradients(
      [
        [1, 2, 0],
        [1, 3, -1],
        [1, 0, 0],
      ],
      (...x) => op.Max(...x),
    )
    expect(max[0][0]).toBeCloseTo(1 / 3, 6)
    expect(max.map((row) => row.slice(1))).toEqual([
      [0, 0.5],
      [1, 0],
      [0, 0.5],
    ])
    expect(
      await gradients(
        [
          [1, 2],
          [1, 1],
        ],
        (...x) => op.Min(...x),
      ),
    ).toEqual([
      [0.5, 0],
      [0.5, 1],
    ])
  })

  test('ReduceMax and ReduceMin share equally', async () => {
    expect(await slopes([3, 1, 3, 3, 3], (x) => op.ReduceMax(x))).toEqual([0.25, 0, 0.25, 0.25, 0.25])
    expect(await slopes([3, 1, 1], (x) => op.ReduceMin(x, [0], { keepdims: 0 }))).toEqual([0, 0.5, 0.5])
  })
})

describe('kinks', () => {
  test.each<[string, (x: Tensor) => Tensor, number[], number[]]>([
    ['Abs', op.Abs, [-1, 0, 1], [-1, 0, 1]],
    ['Relu', op.Relu, [-1, 0, 1], [0, 0, 1]],
    ['LeakyRelu', (x) => op.LeakyRelu(x, { alpha: 0.25 }), [0], [0.25]],
    ['Elu', (x) => op.Elu(x, { alpha: 0.5 }), [0], [0.5]],
    ['ReduceL1', (x) => op.ReduceL1(x), [0, -2], [0, -1]],
    ['HardSigmoid', (x) => op.HardSigmoid(x, { alpha: 0.5, beta: 0.5 }), [-1, 0, 1], [0, 0.5, 0]],
    ['HardSwish', op.HardSwish, [-3, 3], [0, 1]],
    ['Clip passes at a bound', (x) => op.Clip(x, -1, 1), [-1.5, -1, 0, 1, 1.5], [0, 1, 1, 1, 0]],
  ])('%s', async (_, build, at, expected) => {
    expect(await slopes(at, build)).toEqual(expected)
  })

  test('steps', async () => {
    for (const step of [op.Floor, op.Ceil, op.Round, op.Sign])
      expect(await slopes([-1.2, 0, 2.7], (x) => op.Mul(step(x), 3))).toEqual([0, 0, 0])
  })

  test('bounds of Clip get the gradient of what they replaced', async () => {
    const [x, low, high] = await gradients([[-3, -2, 0, 2, 5], [-1], [1]], (a, b, c) =>
      op.Clip(a, op.Squeeze(b), op.Squeeze(c)),
    )
    expect([x, low, high]).toEqual([[0, 0, 1, 0, 0], [2], [2]])
  })
})

describe('no NaN and no overflow', () => {
  test('Pow at base 0 and below', async () => {
    const [base, exponent] = await gradients(
      [
        [0, 0, 0, -2, -2],
        [0, 1, 2, 3, 2],
      ],
      (x, p) => op.Pow(x, p),
    )
    expect(base).toEqual([0, 1, 0, 12, -4])
    expect(exponent).toEqual([0, 0, 0, 0, 0])
  })

  test('a masked infinity stays masked', async () => {
    // The root's gradient is infinite at 0, where the limit below it passes nothing.
    expect(await slopes([-1, 4], (x) => op.Sqrt(op.Relu(x)))).toEqual([0, 0.25])
    expect(await slopes([-1, 4], (x) => op.Sqrt(op.Clip(x, 0)))).toEqual([0, 0.25])
    expect(await slopes([-1, 4], (x) => op.Sqrt(op.Max(x, 0)))).toEqual([0, 0.25])
    const [a, b] = await gradients(
      [
        [1, Infinity],
        [2, 3],
      ],
      (x, y) => op.Where(op.Less(x, 10), x, y),
    )
    expect([a, b]).toEqual([
      [1, 0],
      [0, 1],
    ])
  })

  test.each<[string, (x: Tensor) => Tensor]>([
    ['Softplus', op.Softplus],
    ['Mish', op.Mish],
    ['Gelu', (x) => op.Gelu(x)],
    ['Gelu, tanh', (x) => op.Gelu(x, { approximate: 'tanh' })],
    ['Elu', (x) => op.Elu(x)],
    ['HardSwish', op.HardSwish],
  ])('%s far out', async (_, build) => {
    const [low, lower, high, higher] = await slopes([-200, -1e15, 200, 1e15], build)
    expect(low).toBeCloseTo(0, 6)
    expect(lower).toBeCloseTo(0, 6)
    expect([high, higher]).toEqual([1, 1])
  })

  test('norm of zeros', async () => {
    expect(await slopes([0, 0], (x) => op.ReduceL2(x))).toEqual([0, 0])
    expect(await slopes([3, 4], (x) => op.ReduceL2(x))).toEqual([Math.fround(0.6), Math.fround(0.8)])
  })

  test('product with zeros', async () => {
    expect(await slopes([2, 0, 3], (x) => op.ReduceProd(x))).toEqual([0, 6, 0])
    expect(await slopes([0, 0, 3], (x) => op.ReduceProd(x))).toEqual([0, 0, 0])
  })

  test('softmax family of large and of masked values', async () => {
    expect(await slopes([1000, -1000], (x) => op.ReduceLogSumExp(x))).toEqual([1, 0])
    expect(await slopes([-Infinity, -Infinity], (x) => op.ReduceLogSumExp(x))).toEqual([0, 0])
    const masked = await slopes([0, -Infinity, 0], (x) =>
      op.Mul(op.Softmax(x), x.scope.graph.constant('float32', [3], [1, 2, 3])),
    )
    expect(masked).toEqual([-0.5, 0, 0.5])
    // log softmax of the first: 1 - p of itself, minus p of the others.
    const first = await slopes([0, -1000, 0], (x) => op.Slice(op.LogSoftmax(x), [0], [1]))
    expect(first).toEqual([0.5, 0, -0.5])
  })
})

/** Nodes that the gradients of the sum of `build`'s result take, without those of the sum itself. */
function backwardNodes(shapes: number[][], build: (...x: Tensor[]) => Tensor, wanted: number[]): string[] {
  const graph = new Graph('count')
  const inputs = shapes.map((shape, i) => graph.input(`x${i}`, 'float32', shape))
  const y = build(...inputs)
  const seed = graph.input('seed', 'float32', y.shape)
  const before = graph.body.nodes.length
  grad(
    y,
    wanted.map((index) => inputs[index]),
    { seed },
  )
  return graph.body.nodes.slice(before).map(({ opType }) => opType)
}

describe('few nodes', () => {
  test.each<[string, number[][], (...x: Tensor[]) => Tensor, number[], string[]]>([
    ['a bias', [[5, 3], [3]], op.Add, [0, 1], ['ReduceSum']],
    ['a factor', [[5, 3]], (x) => op.Mul(x, 2), [0], ['Mul']],
    ['a square', [[3]], (x) => op.Pow(x, 2), [0], ['Mul', 'Mul']],
    ['Relu', [[3]], op.Relu, [0], ['Greater', 'Where']],
    ['Clip', [[3]], (x) => op.Clip(x, -1, 1), [0], ['Equal', 'Where']],
    ['a row sum', [[5, 3]], (x) => op.ReduceSum(x, [1]), [0], ['Expand']],
    ['Softmax', [[5, 3]], (x) => op.Softmax(x), [0], ['Mul', 'ReduceSum', 'Sub', 'Mul']],
    ['LogSoftmax', [[5, 3]], (x) => op.LogSoftmax(x), [0], ['Exp', 'ReduceSum', 'Mul', 'Sub']],
  ])('%s', (_, shapes, build, wanted, nodes) => {
    expect(backwardNodes(shapes, build, wanted)).toEqual(nodes)
  })

  test('LayerNormalization reuses the statistics of the forward pass', () => {
    const shapes = [[5, 3], [3], [3]]
    const nodes = backwardNodes(shapes, (x, scale, bias) => op.LayerNormalization(x, scale, bias), [0, 1, 2])
    expect(nodes).toHaveLength(13)
    expect(nodes).not.toContain('Sqrt')
  })
})

describe('no gradient, with the reason', () => {
  const x = (graph: Graph, shape: number[]): Tensor =>
    graph.addInput(graph.body, graph.fresh('x'), 'float32', shape)

  test.each<[string, RegExp, () => Tensor]>([
    [
      'Dropout',
      /training_mode must be the constant false/,
      () => {
        const graph = new Graph()
        return op.Dropout(x(graph, [3]), 0.5, graph.input('training', 'bool', []))
      },
    ],
    [
      'GroupNormalization',
      /before opset 21/,
      () => {
        const graph = new Graph('old', { opset: 18 })
        const [scale, bias] = [x(graph, [4]), x(graph, [4])]
        return op.GroupNormalization(x(graph, [2, 4]), scale, bias, { num_groups: 2 })
      },
    ],
    [
      'BatchNormalization',
      /training_mode is 1/,
      () => {
        const graph = new Graph()
        const inputs = [[2, 3], [3], [3], [3], [3]].map((shape) => x(graph, shape))
        const attributes = { training_mode: { type: 'int' as const, value: 1 } }
        return emit(graph, 'BatchNormalization', inputs, { attributes })[0]
      },
    ],
    [
      'LayerNormalization',
      /only its first output/,
      () => {
        const graph = new Graph()
        const y = op.LayerNormalization(x(graph, [2, 3]), x(graph, [3]))
        return op.Mul(y, y.node?.outputs[1] ?? y)
      },
    ],
    [
      'Loop',
      /the number of steps is known only at run time/,
      () => {
        const graph = new Graph()
        const trips = graph.constant('int64', [], [3])
        return op.Loop({ trips, carried: [x(graph, [3])] }, (_, value) => ({ carried: [op.Exp(value)] }))[0]
      },
    ],
  ])('%s', (_, reason, build) => {
    const y = build()
    const loss = op.ReduceSum(y, undefined, { keepdims: 0 })
    const [input] = y.scope.graph.body.inputs
    expect(() => grad(loss, [input])).toThrow(reason)
  })
})
