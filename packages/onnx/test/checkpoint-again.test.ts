/** A checkpointed function is called twice and must make the same nodes: other ones are refused, equal ones are not. */
import { describe, expect, test } from 'vitest'
import { checkpoint, customOp, grad, Graph, op, type Tensor } from '@evolmm/onnx'
import { gradientError, type GradientCheck } from './support/check-gradient'

const sum = (x: Tensor) => op.ReduceSum(x, undefined, { keepdims: 0 })
const square = () =>
  customOp({
    name: 'Square',
    forward: (x) => [op.Mul(x, x)],
    backward: ({ inputs: [x], gradients: [gradient] }) => [gradient && op.Mul(op.Mul(x, 2), gradient)],
  })

/** What a function makes in its call number `n`, 1 or 2. */
const others: [string, (x: Tensor, n: number, y: Tensor) => Tensor[], string][] = [
  ['another operator', (x, n) => [n === 1 ? op.Exp(x) : op.Sin(x)], 'got Exp(x), then Sin(Concat_1)'],
  ['another constant', (x, n) => [op.Mul(x, n)], 'got Mul(x, constant_1), then Mul(Concat_1, '],
  [
    'another long constant',
    (x, n) => [op.Mul(x, x.scope.graph.constant('float32', [1, 70], Array(70).fill(n)))],
    'then Mul(',
  ],
  [
    'another attribute',
    (x, n) => [op.Softmax(x, { axis: n - 1 })],
    'got Softmax(x) {axis=0}, then Softmax(Concat_1) {axis=1}',
  ],
  [
    'another tensor from outside',
    (x, n, y) => [op.Add(x, n === 1 ? y : op.Exp(y))],
    'got Add(x, y), then Exp(y)',
  ],
  [
    'another order of inputs',
    (x, n, y) => [n === 1 ? op.Sub(x, y) : op.Sub(y, x)],
    'got Sub(x, y), then Sub(y, Concat_1)',
  ],
  [
    'more nodes',
    (x, n) => {
      const made = op.Exp(x)
      if (n === 2) op.Sin(made)
      return [made]
    },
    'got nothing, then Sin(',
  ],
  [
    'fewer nodes',
    (x, n) => {
      const made = op.Exp(x)
      if (n === 1) op.Sin(made)
      return [made]
    },
    'got Sin(Exp_1), then nothing',
  ],
  [
    'the same nodes, another one as output',
    (x, n) => {
      const [a, b] = [op.Exp(x), op.Sin(x)]
      return [n === 1 ? a : b]
    },
    'got Exp_1 as output 0, then another',
  ],
  [
    'another branch',
    (x, n) =>
      op.If(
        op.Less(sum(x), 0),
        () => [n === 1 ? op.Exp(x) : op.Sin(x)],
        () => [op.Mul(x, 2)],
      ),
    'got If(',
  ],
  [
    'another custom op of the same name',
    (x, n) =>
      customOp({ name: 'Scaled', forward: (a) => [op.Mul(a, n)], backward: ({ gradients }) => gradients })(x),
    'got evolmm.Scaled(x), then evolmm.Scaled_2(Concat_1)',
  ],
  ['fewer outputs', (x, n) => [op.Exp(x), op.Sin(x)].slice(n - 1), 'got 2 outputs, then 1'],
]

test.each(others)('%s is refused', (_, make, message) => {
  const graph = new Graph()
  const [x, y] = [graph.input('x', 'float32', [2, 70]), graph.input('y', 'float32', [2, 70])]
  let calls = 0
  const [z] = checkpoint((a) => make(a, ++calls, y), [x])
  const nodes = graph.body.nodes.length
  let error: unknown
  try {
    grad(sum(z), [x])
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ code: 'CHECKPOINT_MISMATCH' })
  expect((error as Error).message).toContain('must make the same nodes each time')
  expect((error as Error).message).toContain(message)
  // The sum is there, nothing else.
  expect(graph.body.nodes).toHaveLength(nodes + 1)
})

describe('the same nodes under other names are no trouble', () => {
  const values = Array.from({ length: 80 }, (_, i) => i / 40 - 1)
  const checks: Record<string, Pick<GradientCheck, 'shapes' | 'build'>> = {
    'a custom op made anew in each call': {
      shapes: [[2, 3]],
      build: ([x]) => checkpoint((a) => square()(op.Exp(square()(a)[0])), [x]),
    },
    'a long constant made anew in each call': {
      shapes: [[4, 20]],
      build: ([x], graph) =>
        checkpoint((a) => [op.Sin(op.Mul(a, graph.constant('float64', [4, 20], values)))], [x]),
    },
    'a body': {
      shapes: [[2, 3]],
      build: ([x]) =>
        checkpoint(
          (a) =>
            op.If(
              op.Less(sum(a), 0),
              () => [op.Exp(op.Mul(a, 0.5))],
              () => [op.Sin(a)],
            ),
          [x],
        ),
    },
    'constants and shapes as inputs, which decide what nodes are made': {
      shapes: [[2, 3]],
      build: ([x], graph) =>
        checkpoint(
          (a, pads, lengths) => [op.Pad(op.Reshape(op.Exp(a), lengths), pads, 0, [1])],
          [x, graph.constant('int64', [2], [1, 1]), op.Shape(x)],
        ),
    },
    'one tensor as two inputs': {
      shapes: [[2, 3]],
      build: ([x]) => checkpoint((a, b) => [op.Mul(op.Exp(a), b)], [x, x]),
    },
  }
  test.each(Object.entries(checks))('%s', async (_, check) => {
    expect(await gradientError({ ...check, range: [-1, 1] })).toBeLessThan(1e-6)
    expect(await gradientError({ ...check, range: [-1, 1], symbolic: true })).toBeLessThan(1e-6)
  })

  test('weights that are constants are not copied for it', () => {
    const graph = new Graph()
    const x = graph.input('x', 'float32', [2, 3])
    const w = graph.initializer('w', { dtype: 'float32', dims: [3, 3], bytes: new Uint8Array(36) })
    const [y] = checkpoint((a, b) => [op.Tanh(op.MatMul(a, b))], [x, w])
    const [dx, dw] = grad(sum(y), [x, w])
    expect([dx.shape, dw.shape]).toEqual([
      [2, 3],
      [3, 3],
    ])
    const copies = graph.body.nodes.filter(({ opType, inputs }) => opType === 'Concat' && inputs.includes(w))
    expect(copies).toEqual([])
  })
})
