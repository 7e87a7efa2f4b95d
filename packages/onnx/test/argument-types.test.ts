/** Types, names, shapes, attributes and contents that cannot be: each is refused where it is given. */
import { describe, expect, test } from 'vitest'
import {
  checkpoint,
  customOp,
  differentiate,
  flattenParameters,
  grad,
  Graph,
  op,
  parameterLayout,
  parse,
  serialize,
  sliceParameters,
  tensorData,
  tensorValues,
  type DType,
} from '@evolmm/onnx'
import { testRefusals, wrong, type Case } from './support/refused'

const trips = (graph: Graph) => graph.constant('int64', [], [3])

const types: Case[] = [
  [
    'a missing branch',
    'NOT_A_FUNCTION',
    'If: a branch must be a function',
    ({ x, yes }) => op.If(yes, () => [x], wrong(undefined)),
  ],
  [
    'a missing step',
    'NOT_A_FUNCTION',
    'Loop: the step must be a function',
    ({ graph, x }) => op.Loop({ trips: trips(graph), carried: [x] }, wrong(undefined)),
  ],
  [
    'a missing function',
    'NOT_A_FUNCTION',
    'checkpoint: the first argument must be a function',
    ({ x }) => checkpoint(wrong([x]), [x]),
  ],
  [
    'a custom op without backward',
    'NOT_A_FUNCTION',
    'customOp: backward of A must be a function',
    () => customOp({ name: 'A', forward: (a) => [a], backward: wrong(undefined) }),
  ],
  [
    'a seed of another shape',
    'GRADIENT_SHAPE',
    'grad: the seed must have the type and shape of the loss x: float32 [2, 3], got i: int64 [3]',
    ({ x, i }) => grad(x, [x], { seed: i }),
  ],
  [
    'a seed of another graph',
    'OUT_OF_SCOPE',
    'grad: the seed must belong to the graph of the loss',
    ({ x }) => grad(op.Exp(x), [x], { seed: new Graph().input('s', 'float32', [2, 3]) }),
  ],
  [
    'a seed that is a number',
    'NOT_A_TENSOR',
    'grad: operands must be tensors of a graph, got an array',
    ({ x }) => grad(op.Exp(x), [x], { seed: wrong([1]) }),
  ],
  [
    'contents of external data',
    'NOT_INLINE',
    'tensorValues: the data must be inline',
    () => tensorValues(wrong({ dtype: 'float32', dims: [1], location: 'a', offset: 0, length: 4 })),
  ],
  [
    'half a parameter',
    'INVALID_SHAPE',
    'parameterLayout: "a": the shape must be',
    () => parameterLayout([['a', [2.5]]]),
  ],
  [
    'integers as parameters',
    'SHAPE_MISMATCH',
    'sliceParameters.flat: must be of a float type',
    ({ i }) => sliceParameters(i, parameterLayout([['a', [3]]])),
  ],
  [
    'too many parameters',
    'SHAPE_MISMATCH',
    'flattenParameters: there must be 1 tensors, got 2',
    ({ x }) => flattenParameters(parameterLayout([['a', [2, 3]]]), [x, x]),
  ],
  [
    'a number as axes',
    'INVALID_SHAPE',
    'must be lists of integers or tensors, got a number',
    ({ x }) => op.ReduceSum(x, wrong(1)),
  ],
  ['a text as a shape', 'INVALID_SHAPE', 'got a string', ({ x }) => op.Reshape(x, wrong('6'))],
  [
    'half an axis',
    'INVALID_ATTRIBUTE',
    'Softmax "Softmax_1": axis must be an integer, got 0.5; see the options of Softmax',
    ({ x }) => op.Softmax(x, { axis: 0.5 }),
  ],
  [
    'no axis',
    'INVALID_ATTRIBUTE',
    'axis must be an integer, got undefined',
    ({ x }) => op.Concat([x, x], wrong({})),
  ],
  [
    'one number as a permutation',
    'INVALID_ATTRIBUTE',
    'perm must be a list of integers, got 1',
    ({ x }) => op.Transpose(x, { perm: wrong(1) }),
  ],
  [
    'an equation that is no text',
    'INVALID_ATTRIBUTE',
    'equation must be text, got an array',
    ({ x }) => op.Einsum([x], { equation: wrong(['ij']) }),
  ],
  [
    'an epsilon that is no number',
    'INVALID_ATTRIBUTE',
    'epsilon must be a number, got 1e-5',
    ({ x }) => op.LayerNormalization(x, x, undefined, { epsilon: wrong('1e-5') }),
  ],
  ['an operator without outputs', 'UNKNOWN_OPERATOR', 'give its outputs', ({ x }) => op.node('MaxPool', [x])],
  [
    'outputs of an unknown type',
    'UNKNOWN_TYPE',
    'got "half"',
    ({ x }) => op.node('F', [x], { outputs: [{ dtype: wrong('half'), shape: [] }] }),
  ],
  [
    'If',
    'SHAPE_MISMATCH',
    'the condition must be a single bool',
    ({ x }) =>
      op.If(
        op.ReduceSum(x, undefined, { keepdims: 0 }),
        () => [x],
        () => [x],
      ),
  ],
  [
    'If of many',
    'SHAPE_MISMATCH',
    'the condition must be a single bool, but is Less_1: bool [2, 3]',
    ({ x }) =>
      op.If(
        op.Less(x, 0),
        () => [x],
        () => [x],
      ),
  ],
  [
    'Loop condition',
    'SHAPE_MISMATCH',
    'the condition must be a single bool',
    ({ graph, x }) => op.Loop({ condition: trips(graph), carried: [x] }, (_, a) => ({ carried: [a] })),
  ],
  [
    'Loop trips',
    'SHAPE_MISMATCH',
    'the number of trips must be a single int64',
    ({ x, i }) => op.Loop({ trips: i, carried: [x] }, (_, a) => ({ carried: [a] })),
  ],
  [
    'Loop step condition',
    'SHAPE_MISMATCH',
    'the condition of the body must be a single bool',
    ({ graph, x }) =>
      op.Loop({ trips: trips(graph), carried: [x] }, (n, a) => ({ condition: n, carried: [a] })),
  ],
  [
    'a Loop without end',
    'ENDLESS_LOOP',
    'Loop: must have trips, a condition, or a step that returns one',
    ({ x }) => op.Loop({ carried: [x] }, (_, a) => ({ carried: [a] })),
  ],
  ['Gather', 'SHAPE_MISMATCH', 'input 1 must be int64 or int32', ({ x }) => op.Gather(x, x)],
  ['GatherElements', 'SHAPE_MISMATCH', 'input 1 must be int64 or int32', ({ x }) => op.GatherElements(x, x)],
  [
    'GatherND',
    'SHAPE_MISMATCH',
    'input 1 must be int64',
    ({ x, i }) => op.GatherND(x, op.Cast(i, { to: 'int32' })),
  ],
  [
    'ScatterElements',
    'SHAPE_MISMATCH',
    'input 1 must be int64 or int32',
    ({ x }) => op.ScatterElements(x, x, x),
  ],
  ['ScatterND', 'SHAPE_MISMATCH', 'input 1 must be int64', ({ x }) => op.ScatterND(x, x, x)],
  ['Slice', 'SHAPE_MISMATCH', 'input 1 must be int64 or int32', ({ x }) => op.Slice(x, x, x)],
  [
    'Reshape',
    'SHAPE_MISMATCH',
    'input 1 must be int64',
    ({ x, i }) => op.Reshape(x, op.Cast(i, { to: 'int32' })),
  ],
  [
    'Expand',
    'SHAPE_MISMATCH',
    'input 1 must be int64',
    ({ x, i }) => op.Expand(x, op.Cast(i, { to: 'float32' })),
  ],
  ['Tile', 'SHAPE_MISMATCH', 'input 1 must be int64', ({ x }) => op.Tile(x, x)],
  ['ReduceSum', 'SHAPE_MISMATCH', 'input 1 must be int64', ({ x }) => op.ReduceSum(x, x)],
  ['ConstantOfShape', 'SHAPE_MISMATCH', 'input 0 must be int64', ({ x }) => op.ConstantOfShape(x)],
  ['TopK', 'SHAPE_MISMATCH', 'input 1 must be int64', ({ x }) => op.TopK(x, x)],
  [
    'an unknown type of an input',
    'UNKNOWN_TYPE',
    'got "float"; ',
    ({ graph }) => graph.input('y', wrong('float'), []),
  ],
  [
    'an unknown type of a cast',
    'UNKNOWN_TYPE',
    'must be one of float32, ',
    ({ x }) => op.Cast(x, { to: wrong('half') }),
  ],
  [
    'an inherited name as a type',
    'UNKNOWN_TYPE',
    'got "toString"',
    ({ graph }) => graph.constant(wrong('toString'), [], [1]),
  ],
  [
    'an old operator set',
    'INVALID_OPTION',
    'Graph.opset: must be an integer at least 13, got 12',
    () => new Graph('g', { opset: 12 }),
  ],
  ['half an operator set', 'INVALID_OPTION', 'got 21.5', () => new Graph('g', { opset: 21.5 })],
  [
    'an empty name of an input',
    'INVALID_NAME',
    'names must not be empty',
    ({ graph }) => graph.input('', 'float32', []),
  ],
  [
    'an empty name of an output',
    'INVALID_NAME',
    'names must not be empty',
    ({ graph, x }) => graph.output('', op.Exp(x)),
  ],
  ['an empty name of a graph', 'INVALID_NAME', 'the name must not be empty', () => new Graph('')],
  [
    'an empty name of a custom op',
    'INVALID_NAME',
    'letters, digits',
    () => customOp({ name: '', forward: () => [], backward: () => [] }),
  ],
  [
    'half a length',
    'INVALID_SHAPE',
    'input "y": the shape must be a list of lengths',
    ({ graph }) => graph.input('y', 'float32', [2.5]),
  ],
  ['a negative length', 'INVALID_SHAPE', 'got [-1]', ({ graph }) => graph.input('y', 'float32', [-1])],
  [
    'an empty name of a length',
    'INVALID_SHAPE',
    'got [""]',
    ({ graph }) => graph.input('y', 'float32', ['']),
  ],
  [
    'a shape that is no list',
    'INVALID_SHAPE',
    'got "n"',
    ({ graph }) => graph.input('y', 'float32', wrong('n')),
  ],
  [
    'weights of another size',
    'DATA_SIZE',
    'initializer "w": float32 [2] must be 8 bytes, got 4',
    ({ graph }) => graph.initializer('w', { dtype: 'float32', dims: [2], bytes: new Uint8Array(4) }),
  ],
  [
    'weights outside of the folder',
    'DATA_LOCATION',
    'must not be above the folder',
    ({ graph }) =>
      graph.initializer('w', { dtype: 'float32', dims: [1], location: '../w', offset: 0, length: 4 }),
  ],
]

describe('types and names', () => {
  testRefusals(types)
})

describe('numbers that a type cannot hold', () => {
  const limits: [DType, bigint, bigint][] = [
    ['uint8', 0n, 255n],
    ['int8', -128n, 127n],
    ['uint16', 0n, 65535n],
    ['int16', -32768n, 32767n],
    ['uint32', 0n, 2n ** 32n - 1n],
    ['int32', -(2n ** 31n), 2n ** 31n - 1n],
    ['uint64', 0n, 2n ** 64n - 1n],
    ['int64', -(2n ** 63n), 2n ** 63n - 1n],
    ['bool', 0n, 1n],
  ]
  test.each(limits)('%s from %d to %d', (dtype, low, high) => {
    expect(() => tensorData(dtype, [2], [low, high])).not.toThrow()
    for (const value of [low - 1n, high + 1n, 0.5, NaN, Infinity, '1' as never])
      expect(() => tensorData(dtype, [1], [value])).toThrow(
        expect.objectContaining({
          code: 'DATA_TYPE',
          message: expect.stringContaining(`got ${String(value)}`) as string,
        }),
      )
  })

  test('an operand, and text among floats', () => {
    const graph = new Graph()
    expect(() => op.Add(graph.input('bytes', 'uint8', [2]), 300)).toThrow(
      /uint8 must hold integers from 0 to 255, got 300/,
    )
    expect(() => tensorData('float32', [1], ['1' as never])).toThrow(/float32 must hold numbers, got 1/)
    expect(() => tensorData('float32', wrong(2), [1, 2])).toThrow(/dimensions must be a list/)
  })
})

describe('bytes of a model', () => {
  const graph = new Graph('bytes')
  graph.output('y', op.ReduceSum(op.Exp(graph.input('x', 'float32', [2])), undefined, { keepdims: 0 }))
  const bytes = serialize(graph)

  test('may come as any view or as an ArrayBuffer, as fetch gives it', () => {
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
    for (const form of [bytes, Buffer.from(bytes), buffer]) {
      expect(parse(form).body.nodes).toHaveLength(2)
      expect(differentiate(form, { loss: 'y', wrt: ['x'] })).toBeInstanceOf(Uint8Array)
    }
  })

  test.each([
    ['model.onnx', 'a string'],
    [undefined, 'undefined'],
    [[8, 10], 'an array'],
    [{}, 'an object'],
  ])('%j is refused', (value, kind) => {
    for (const read of [
      () => parse(wrong(value)),
      () => differentiate(wrong(value), { loss: 'y', wrt: ['x'], initializersAsInputs: true }),
    ])
      expect(read).toThrow(
        expect.objectContaining({
          code: 'INVALID_OPTION',
          message: `model: must be the bytes of a file, as a Uint8Array or ArrayBuffer, got ${kind}; read the file first`,
        }),
      )
  })
})
