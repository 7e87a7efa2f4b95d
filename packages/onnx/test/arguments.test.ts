/** Operands and callbacks that plain JavaScript lets through: each is refused with one error that says what must hold. */
import { Tensor as OrtTensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { checkpoint, customOp, grad, Graph, op, stopGradient } from '@evolmm/onnx'
import { testRefusals, wrong, type Case } from './support/refused'

const trips = (graph: Graph) => graph.constant('int64', [], [3])
const square = customOp({
  name: 'Square',
  forward: (x) => [op.Mul(x, x)],
  backward: ({ gradients: [dy] }) => dy as never,
})

const operands: Case[] = [
  [
    'a string',
    'NOT_A_TENSOR',
    'Add: operands must be tensors of a graph, got a string',
    ({ x }) => op.Add(x, wrong('1')),
  ],
  [
    'an array',
    'NOT_A_TENSOR',
    'MatMul: operands must be tensors of a graph, got an array',
    ({ x }) => op.MatMul(x, wrong([1])),
  ],
  ['null', 'NOT_A_TENSOR', 'got null', ({ x }) => op.Mul(wrong(null), x)],
  [
    'a tensor of the runtime',
    'NOT_A_TENSOR',
    'got an object of class Tensor',
    ({ x }) => op.Add(x, wrong(new OrtTensor('float32', Float32Array.of(1), [1]))),
  ],
  ['nothing', 'NO_TENSOR', 'Exp: must have an input tensor, got none', () => op.Exp(wrong(undefined))],
  ['numbers alone', 'NO_TENSOR', 'Add: must have an input tensor', () => op.Add(1, 2)],
  ['nothing beside a tensor', 'SHAPE_MISMATCH', 'Add "Add_1"', ({ x }) => op.Add(x, wrong(undefined))],
  ['Reshape', 'NO_TENSOR', 'Reshape: ', () => op.Reshape(wrong(undefined), [1])],
  ['ReduceSum', 'NOT_A_TENSOR', 'ReduceSum: ', () => op.ReduceSum(wrong('x'))],
  ['Slice', 'NOT_A_TENSOR', 'Slice: ', () => op.Slice(wrong({}), [0], [1])],
  ['Concat', 'NOT_A_TENSOR', 'Concat: ', ({ x }) => op.Concat(wrong(x), { axis: 0 })],
  ['Concat of nothing', 'NO_TENSOR', 'Concat: ', () => op.Concat([], { axis: 0 })],
  ['Where', 'NOT_A_TENSOR', 'Where: ', ({ x }) => op.Where(wrong(true), x, 0)],
  ['zerosLike', 'NO_TENSOR', 'ConstantOfShape: ', () => op.zerosLike(wrong(undefined))],
  ['stopGradient', 'NO_TENSOR', 'Identity: ', () => stopGradient(wrong(undefined))],
  [
    'If',
    'NOT_A_TENSOR',
    'If: ',
    ({ x }) =>
      op.If(
        wrong(true),
        () => [x],
        () => [x],
      ),
  ],
  [
    'Scan of nothing',
    'NO_TENSOR',
    'Scan: ',
    () => op.Scan({ states: [], inputs: [] }, () => ({ states: [] })),
  ],
  ['a custom op', 'NOT_A_TENSOR', 'Square: ', () => square(wrong('x'))],
  ['a checkpoint', 'NOT_A_TENSOR', 'checkpoint: ', () => checkpoint((x) => [x], wrong(['x']))],
  ['the loss', 'NOT_A_TENSOR', 'grad: ', ({ x }) => grad(wrong('loss'), [x])],
  [
    'wrt that is no list',
    'NOT_A_TENSOR',
    'grad: wrt must be a list of tensors, got a tensor',
    ({ x }) => grad(x, wrong(x)),
  ],
  ['wrt of names', 'NOT_A_TENSOR', 'got a string in it', ({ x }) => grad(x, wrong(['x']))],
  ['an output', 'INVALID_OUTPUT', 'got undefined', ({ graph }) => graph.output('y', wrong(undefined))],
  [
    'another graph',
    'OUT_OF_SCOPE',
    'inputs must belong to this graph',
    ({ x }) => op.Add(x, new Graph('other').input('z', 'float32', [3])),
  ],
  [
    'an output of another graph',
    'INVALID_OUTPUT',
    'must be the result of a node of the graph',
    ({ graph }) => graph.output('y', op.Exp(new Graph('other').input('z', 'float32', [3]))),
  ],
]

const callbacks: Case[] = [
  [
    'a branch',
    'NOT_A_TENSOR',
    'If: a branch must return a list of tensors, got a tensor; write [tensor]',
    ({ x, yes }) =>
      op.If(
        yes,
        () => wrong(x),
        () => [x],
      ),
  ],
  [
    'a branch without return',
    'NOT_A_TENSOR',
    'got undefined',
    ({ x, yes }) =>
      op.If(
        yes,
        () => [x],
        () => wrong(undefined),
      ),
  ],
  [
    'a step of Loop',
    'INVALID_OUTPUT',
    'Loop: step must return an object, got an array; write { carried: [tensor] }',
    ({ graph, x }) => op.Loop({ trips: trips(graph), carried: [x] }, (_, a) => wrong([a])),
  ],
  [
    'a step of Loop with one tensor',
    'NOT_A_TENSOR',
    'Loop: step must return a list of tensors, got a tensor',
    ({ graph, x }) => op.Loop({ trips: trips(graph), carried: [x] }, (_, a) => ({ carried: wrong(a) })),
  ],
  [
    'a step of Loop with too few',
    'INVALID_OUTPUT',
    'as many carried values as there are, got 0 for 1',
    ({ graph, x }) => op.Loop({ trips: trips(graph), carried: [x] }, () => ({ carried: [] })),
  ],
  [
    'a step of Scan',
    'INVALID_OUTPUT',
    'Scan: step must return an object, got undefined',
    ({ x }) => op.Scan({ states: [], inputs: [x] }, () => wrong(undefined)),
  ],
  [
    'a custom op forward',
    'NOT_A_TENSOR',
    'Bare: forward must return a list of tensors, got a tensor',
    ({ x }) => customOp({ name: 'Bare', forward: (a) => wrong(op.Exp(a)), backward: () => [] })(x),
  ],
  [
    'a custom op backward',
    'INVALID_OUTPUT',
    'Square: backward must return a list of tensors, got a tensor',
    ({ x }) => grad(op.ReduceSum(square(x)[0], undefined, { keepdims: 0 }), [x]),
  ],
  [
    'a checkpoint',
    'NOT_A_TENSOR',
    'checkpoint: the function must return a list of tensors, got a tensor',
    ({ x }) => checkpoint((a) => wrong(op.Exp(a)), [x]),
  ],
]

describe('operands', () => {
  testRefusals(operands)
})

describe('callbacks', () => {
  testRefusals(callbacks)
})

test('a Loop may be ended by its own condition alone', () => {
  const graph = new Graph()
  const x = graph.input('x', 'float32', [])
  const [y] = op.Loop({ carried: [x] }, (_, a) => ({ condition: op.Less(a, 10), carried: [op.Mul(a, 2)] }))
  graph.output('y', y)
  // The standard looks at it only when there is a first condition.
  expect(y.node?.inputs[1]?.data).toMatchObject({ dtype: 'bool', bytes: Uint8Array.of(1) })
})
