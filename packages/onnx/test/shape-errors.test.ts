/** What inference refuses in elementwise operators, reductions and normalisations, and how it says so. */
import { describe, expect, test } from 'vitest'
import { EvolmmError, Graph, op, type DType, type Shape, type Tensor } from '@evolmm/onnx'

type Input = readonly [dtype: DType, shape: Shape | undefined]
type Case = readonly [
  operator: string,
  inputs: readonly Input[],
  build: (...inputs: Tensor[]) => unknown,
  rule: RegExp,
]

const f = (...shape: Shape): Input => ['float32', shape]
const i = (...shape: Shape): Input => ['int64', shape]

const refused: Case[] = [
  ['Add', [f(2, 3), f(2, 4)], (a, b) => op.Add(a, b), /shapes must broadcast/],
  ['Mul', [f('n', 3), f('n', 2)], (a, b) => op.Mul(a, b), /shapes must broadcast/],
  ['Div', [f(3), i(3)], (a, b) => op.Div(a, b), /types must be equal/],
  ['Pow', [f(2), f(3)], (a, b) => op.Pow(a, b), /shapes must broadcast/],
  ['Max', [f(2), f(1), f(3)], (...x) => op.Max(...x), /shapes must broadcast/],
  ['Mean', [i(2), i(2)], (...x) => op.Mean(...x), /must be floats/],
  ['Mod', [f(2), f(2)], (a, b) => op.Mod(a, b), /floats need fmod 1/],
  ['Exp', [i(2)], (a) => op.Exp(a), /must be a float/],
  ['IsNaN', [i(2)], (a) => op.IsNaN(a), /must be a float/],
  ['Not', [f(2)], (a) => op.Not(a), /must be bool/],
  ['And', [f(2), f(2)], (a, b) => op.And(a, b), /must be bool/],
  ['BitwiseAnd', [f(2), f(2)], (a, b) => op.BitwiseAnd(a, b), /must be integers/],
  ['Less', [f(2), f(3)], (a, b) => op.Less(a, b), /shapes must broadcast/],
  [
    'Where',
    [f(2), f(2), f(2)],
    (...x) => op.Where(...(x as [Tensor, Tensor, Tensor])),
    /condition must be bool/,
  ],
  ['Where', [['bool', [2]], f(2), i(2)], (...x) => op.Where(...(x as [Tensor, Tensor, Tensor])), /one type/],
  ['Where', [['bool', [2]], f(3), f(3)], (...x) => op.Where(...(x as [Tensor, Tensor, Tensor])), /broadcast/],
  ['PRelu', [f(1, 3), f(2, 3)], (a, b) => op.PRelu(a, b), /input 1 must broadcast to input 0/],
  ['Clip', [f(2), f(2)], (a, b) => op.Clip(a, b), /a single number/],
  ['Clip', [f(2), i()], (a, b) => op.Clip(a, undefined, b), /types must be equal/],
  ['ReduceSum', [f(2, 3)], (a) => op.ReduceSum(a, [2]), /axis 2 must be within rank 2/],
  ['ReduceMax', [f('n')], (a) => op.ReduceMax(a, [-2]), /axis -2 must be within rank 1/],
  ['ArgMax', [f(2, 3)], (a) => op.ArgMax(a, { axis: 2 }), /axis 2 must be within rank 2/],
  ['CumSum', [f(2, 3)], (a) => op.CumSum(a, 2), /axis 2 must be within rank 2/],
  ['Softmax', [f(2, 3)], (a) => op.Softmax(a, { axis: 2 }), /axis 2 must be within rank 2/],
  ['LogSoftmax', [i(2, 3)], (a) => op.LogSoftmax(a), /must be a float/],
  ['LayerNormalization', [f(2, 4), f(3)], (a, b) => op.LayerNormalization(a, b), /input 1 must broadcast/],
  [
    'LayerNormalization',
    [f(2, 1), f(1), f(4)],
    (a, b, c) => op.LayerNormalization(a, b, c),
    /input 2 must broad/,
  ],
  ['RMSNormalization', [f(2, 4), f(2, 2, 4)], (a, b) => op.RMSNormalization(a, b), /input 1 must broadcast/],
  [
    'InstanceNormalization',
    [f(2), f(2), f(2)],
    (a, b, c) => op.InstanceNormalization(a, b, c),
    /\[N, C, ...\]/,
  ],
  [
    'InstanceNormalization',
    [f(2, 3, 4), f(3, 1), f(3)],
    (a, b, c) => op.InstanceNormalization(a, b, c),
    /input 1 must/,
  ],
  [
    'GroupNormalization',
    [f(2, 4, 3), f(4), f(4)],
    (a, b, c) => op.GroupNormalization(a, b, c, { num_groups: 3 }),
    /num_groups 3 must divide/,
  ],
  [
    'BatchNormalization',
    [f(2, 3), f(3), f(3), f(2), f(3)],
    (a, b, c, d, e) => op.BatchNormalization(a, b, c, d, e),
    /input 3 must have one element for each channel/,
  ],
]

describe('refused', () => {
  test.each(refused)('%s', (operator, types, build, rule) => {
    const graph = new Graph('errors', { opset: 23 })
    const inputs = types.map(([dtype, shape], index) => graph.input(`x${index}`, dtype, shape))
    let error: unknown
    try {
      build(...inputs)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(EvolmmError)
    const { code, message } = error as EvolmmError
    expect(code).toBe('SHAPE_MISMATCH')
    expect(message).toMatch(rule)
    // It names the operator, the node, and what each input of the node is.
    expect(message).toMatch(new RegExp(`^${operator} "${operator}_1": `))
    for (const [index, [dtype, shape]] of types.entries())
      expect(message).toContain(`x${index}: ${dtype} [${shape?.join(', ') ?? '?'}]`)
    expect(graph.body.nodes).toEqual([])
  })

  test('RMSNormalization below opset 23', () => {
    const x = new Graph().input('x', 'float32', [2])
    expect(() => op.RMSNormalization(x, x)).toThrow(/RMSNormalization: the graph must have opset 23/)
  })
})

describe('inferred', () => {
  const graph = new Graph('shapes')
  const named = graph.input('named', 'float16', ['batch', 1, 4])
  const wide = graph.input('wide', 'float16', [3, 1])
  const unknown = graph.input('unknown', 'float32', undefined)

  test.each<[string, Tensor, DType, Shape | undefined]>([
    ['broadcast', op.Add(named, wide), 'float16', ['batch', 3, 4]],
    ['comparison', op.Less(named, wide), 'bool', ['batch', 3, 4]],
    ['unknown rank', op.Mul(unknown, 2), 'float32', undefined],
    ['CastLike', op.CastLike(unknown, wide), 'float16', undefined],
    ['Cast', op.Cast(named, { to: 'float64' }), 'float64', ['batch', 1, 4]],
    ['kept axes', op.ReduceSum(named, [-1]), 'float16', ['batch', 1, 1]],
    ['dropped axes', op.ReduceMax(named, [1, 2], { keepdims: 0 }), 'float16', ['batch']],
    ['no axes means none', op.ReduceSum(wide, [], { noop_with_empty_axes: 1 }), 'float16', [3, 1]],
    ['all axes of an unknown rank', op.ReduceSum(unknown, undefined, { keepdims: 0 }), 'float32', []],
    ['ArgMin', op.ArgMin(named, { axis: -1, keepdims: 0 }), 'int64', ['batch', 1]],
    [
      'normalisation',
      op.LayerNormalization(named, op.Cast(graph.constant('float32', [4], [1, 1, 1, 1]), { to: 'float16' })),
      'float16',
      ['batch', 1, 4],
    ],
  ])('%s', (_, tensor, dtype, shape) => {
    expect({ dtype: tensor.dtype, shape: tensor.shape }).toEqual({ dtype, shape })
  })
})
