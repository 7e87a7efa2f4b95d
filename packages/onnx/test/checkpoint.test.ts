/** Recomputed stretches give the gradients that kept ones give, and are run when memory asks for it. */
import { describe, expect, test } from 'vitest'
import { checkpoint, customOp, grad, Graph, op, stopGradient, type Node, type Tensor } from '@evolmm/onnx'
import { gradientError, type GradientCheck } from './support/check-gradient'
import { runner } from './support/run'

const layer = (x: Tensor, weight: Tensor): Tensor => op.Tanh(op.MatMul(x, weight))
const square = customOp({
  name: 'Square',
  forward: (x) => [op.Mul(x, x)],
  backward: ({ inputs: [x], gradients: [gradient] }) => [gradient && op.Mul(op.Mul(x, 2), gradient)],
})
const sum = (x: Tensor) => op.ReduceSum(x, undefined, { keepdims: 0 })

const checks: Record<string, Pick<GradientCheck, 'shapes' | 'build'>> = {
  'an input and a captured weight': {
    shapes: [
      [2, 3],
      [3, 3],
    ],
    build: ([x, w]) => checkpoint((a) => [layer(layer(a, w), w)], [x]),
  },
  'an input passed through, as in a residual': {
    shapes: [[2, 3]],
    build: ([x]) => checkpoint((a) => [a, op.Exp(a)], [x]),
  },
  'a captured tensor passed through': {
    shapes: [
      [2, 3],
      [2, 3],
    ],
    build: ([x, w]) => checkpoint((a) => [w, op.Mul(a, w)], [x]),
  },
  'one tensor returned twice': {
    shapes: [[2, 3]],
    build: ([x]) =>
      checkpoint(
        (a) => {
          const y = op.Exp(a)
          return [y, y]
        },
        [x],
      ),
  },
  'one output of two used': {
    shapes: [[2, 3]],
    build: ([x]) => checkpoint((a) => [op.Exp(a), op.Sin(a)], [x])[1],
  },
  'one inside another, one after another': {
    shapes: [
      [2, 3],
      [3, 3],
    ],
    build: ([x, w]) => {
      const block = (a: Tensor) =>
        checkpoint((b) => [layer(checkpoint((c) => [layer(c, w)], [b])[0], w)], [a])[0]
      return block(block(x))
    },
  },
  'a scalar input': {
    shapes: [[]],
    build: ([x]) => checkpoint((a) => [op.Exp(op.Sin(a))], [x]),
  },
  'a custom op inside': {
    shapes: [[2, 3]],
    build: ([x]) => checkpoint((a) => [op.Exp(square(a)[0])], [x]),
  },
}

describe.each(Object.entries(checks))('%s', (_name, check) => {
  test.each([false, true])('symbolic %s', async (symbolic) => {
    expect(await gradientError({ ...check, range: [-1, 1], symbolic })).toBeLessThan(1e-6)
  })
})

/** Nodes that a tensor needs, directly or not. */
function ancestors(tensor: Tensor | undefined, found = new Set<Node>()): Set<Node> {
  if (tensor?.node !== undefined && !found.has(tensor.node)) {
    found.add(tensor.node)
    for (const input of tensor.node.inputs) ancestors(input, found)
  }
  return found
}

describe('order of the backward pass', () => {
  const graph = new Graph('blocks')
  const weights = [graph.input('w0', 'float32', [3, 3]), graph.input('w1', 'float32', [3, 3])]
  let hidden = graph.input('x', 'float32', [2, 3])
  for (const weight of weights) hidden = checkpoint((a) => [layer(layer(a, weight), weight)], [hidden])[0]
  const before = graph.body.nodes.length
  const [first, last] = grad(sum(hidden), weights)
  const added = graph.body.nodes.slice(before)

  test('no node of the backward pass uses what the forward pass computed inside a block', () => {
    const inside = new Set(
      graph.body.nodes.slice(0, before).flatMap((node) => (node.region === undefined ? [] : node.outputs)),
    )
    const outputs = new Set(graph.body.nodes.flatMap((node) => node.region?.outputs ?? []))
    for (const node of added)
      for (const input of node.inputs)
        expect(input !== undefined && inside.has(input) && !outputs.has(input)).toBe(false)
  })

  test('a block is run again only after the gradient of its output is there', () => {
    const again = added.filter((node) => node.opType === 'Tanh')
    expect(again).toHaveLength(4)
    // What is between the loss and the last block comes before any of it.
    const early = new Set(added.slice(0, added.indexOf(again[0])).filter((node) => node.opType === 'Expand'))
    expect(early.size).toBeGreaterThan(0)
    for (const node of again)
      expect([...ancestors(node.outputs[0])].some((other) => early.has(other))).toBe(true)
  })

  test('the walk goes on to the block before only after the gradient of the weight', () => {
    expect([...ancestors(first)].some((node) => node.inputs.includes(last))).toBe(true)
  })
})

describe('what is refused', () => {
  const made = () => {
    const graph = new Graph('refused')
    return { graph, x: graph.input('x', 'float32', [2]) }
  }

  test('a tensor that leaks out of a block', () => {
    const { x } = made()
    let leak = x
    const [y] = checkpoint((a) => [op.Sin((leak = op.Exp(a)))], [x])
    expect(() => grad(sum(op.Add(y, leak)), [x])).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_LEAK' }),
    )
    expect(() => grad(sum(leak), [x])).toThrow(expect.objectContaining({ code: 'CHECKPOINT_LEAK' }))
  })

  test('the gradient of a tensor inside a block', () => {
    const { x } = made()
    let inner = x
    const [y] = checkpoint((a) => [op.Sin((inner = op.Exp(a)))], [x])
    expect(() => grad(sum(y), [inner])).toThrow(expect.objectContaining({ code: 'NOT_DIFFERENTIABLE' }))
    expect(() => grad(sum(op.Exp(y)), [y])).not.toThrow()
  })

  test('a function that returns something else the second time, or no list', () => {
    const { x } = made()
    let calls = 0
    const [y] = checkpoint((a) => (calls++ === 0 ? [op.Exp(a), op.Sin(a)] : [op.Exp(a)]), [x])
    expect(() => grad(sum(y), [x])).toThrow(expect.objectContaining({ code: 'CHECKPOINT_MISMATCH' }))
    expect(() => checkpoint((a) => op.Exp(a) as unknown as Tensor[], [x])).toThrow(
      'must return a list of tensors',
    )
    expect(() => checkpoint(() => [], [])).toThrow('checkpoint: must have an input tensor')
  })
})

describe('grad', () => {
  test('a stopped tensor passes nothing on, also when its own gradient is asked for', async () => {
    const graph = new Graph('stopped')
    const x = graph.input('x', 'float32', [1])
    const s = stopGradient(op.Mul(x, 1))
    const [dx, ds] = grad(sum(op.Mul(op.Mul(s, s), x)), [x, s])
    graph.output('dx', op.Identity(dx))
    graph.output('ds', op.Identity(ds))
    const results = await (await runner(graph))({ x: { dims: [1], data: Float32Array.of(3) } })
    // s s and 2 s x, with s = x = 3 held still.
    expect([results.dx.data[0], results.ds.data[0]]).toEqual([9, 18])
  })

  test('wrong gradients from a custom op are named', () => {
    const graph = new Graph('wrong')
    const wide = customOp({
      name: 'Wide',
      forward: (x, y) => [op.Add(x, y)],
      backward: ({ gradients: [dy] }) => [dy, dy],
    })
    const [x, y] = [graph.input('x', 'float32', [2]), graph.input('y', 'float32', [3, 2])]
    expect(() => grad(sum(wide(x, y)[0]), [x])).toThrow(
      'grad: the gradient of x: float32 [2] must have its type and shape, got',
    )
    expect(() => grad(op.Exp(x), [x], { seed: y })).toThrow(
      expect.objectContaining({ code: 'GRADIENT_SHAPE' }),
    )
  })

  test('tensors of another graph are refused', () => {
    const [one, two] = [new Graph('one'), new Graph('two')]
    const [x, y] = [one.input('x', 'float32', [2]), two.input('y', 'float32', [2])]
    expect(() => grad(sum(x), [y])).toThrow(expect.objectContaining({ code: 'OUT_OF_SCOPE' }))
  })

  test('a loss inside a body that depends on the outside through other nodes is refused', () => {
    const graph = new Graph('inner')
    const x = graph.input('x', 'float32', [2])
    const h = op.Mul(x, x)
    const condition = op.Less(sum(x), 0)
    const branch = (wrt: Tensor) => () =>
      op.If(
        condition,
        () => [grad(sum(op.Mul(h, 3)), [wrt])[0]],
        () => [x],
      )
    expect(branch(h)).not.toThrow()
    expect(branch(x)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_GRADIENT' }))
  })
})
