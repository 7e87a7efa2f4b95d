/** Files without functions, with the shape of every result and nothing that is not needed. */
import { InferenceSession } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { customOp, Graph, op, parse, serialize, type Tensor } from '@evolmm/onnx'
import { knownShape } from '../src/graph/known-shape'
import { everyResult, generated, undeclared } from './support/every-result'
import { openFile } from './support/run'

const floats = (values: readonly number[], dims: readonly number[] = [values.length]) => ({
  dims,
  data: Float32Array.from(values),
})

/** Both kinds of file give the same, to the last bit. */
async function same(graph: Graph, feeds: Parameters<Awaited<ReturnType<typeof openFile>>>[0]) {
  const [plain, flat] = [serialize(graph), serialize(graph, { flat: true })]
  const want = await (await openFile(plain, graph))(feeds)
  expect(await (await openFile(flat, graph))(feeds)).toEqual(want)
  return { flat, want, read: parse(flat) }
}

/** Three outputs: one that is computed, its input as it came, and the same once more. */
const threefold = customOp({
  name: 'Threefold',
  forward: (x) => {
    const y = op.Exp(op.Mul(x, 2))
    return [y, x, y]
  },
  backward: () => [],
})

/** A function that calls a function, with a loop that does. */
const nested = customOp({
  name: 'Nested',
  forward: (x) => {
    const { graph } = x.scope
    const [sum, each] = op.Loop({ trips: graph.constant('int64', [], [3]), carried: [x] }, (_, carried) => {
      const [y] = threefold(op.Mul(carried, 0.1))
      return { carried: [op.Add(carried, y)], stacked: [y] }
    })
    return [sum, each]
  },
  backward: () => [],
})

test('functions are written out, also where a function or a loop calls them, and give the same', async () => {
  const graph = new Graph()
  const x = graph.input('x', 'float32', ['n', 2])
  for (const [i, y] of [...threefold(x), ...nested(x), ...nested(op.Neg(x))].entries())
    graph.output(`y${i}`, op.Identity(y))
  const { read, flat } = await same(graph, { x: floats([1, 2, 3, -4], [2, 2]) })
  expect(read.functions.size).toBe(0)
  expect(undeclared(flat)).toEqual([])
})

test('what no output needs is not in the file: nodes, constants, what a loop stacks', async () => {
  const graph = new Graph()
  const x = graph.input('x', 'float32', ['n'])
  const dead = op.Sin(op.Mul(x, graph.constant('float32', [1], [17])))
  const [sum, , used] = op.Loop({ trips: graph.constant('int64', [], [2]), carried: [x] }, (_, carried) => ({
    carried: [op.Add(carried, x)],
    stacked: [op.Cos(op.Add(dead, carried)), op.Exp(carried)],
  }))
  graph.output('sum', sum)
  graph.output('used', op.Identity(used))
  const { read, want } = await same(graph, { x: floats([1, 2]) })
  expect(Array.from(want.sum.data, Number)).toEqual([3, 6])
  expect(read.body.nodes.map(({ opType }) => opType)).toEqual(['Loop', 'Identity'])
  expect(read.body.nodes[0].outputs).toHaveLength(2)
  const [body] = Object.values(read.body.nodes[0].attributes)
  const inner = body.type === 'graph' ? body.value.nodes.map(({ opType }) => opType) : []
  expect(inner).not.toContain('Cos')
  expect(inner).toContain('Exp')
  expect(read.body.initializers.map(({ data }) => data?.dims)).toEqual([[]])
})

/** The numbers that are not zero, of which there are as many as the run finds. */
const nonZero = customOp({
  name: 'Found',
  forward: (x) => [op.Gather(x, op.Reshape(op.NonZero(x), [-1]))],
  backward: () => [],
})

test('a length that a function finds at run time has a name in each call, and no other has it', async () => {
  const graph = new Graph()
  const [x, y] = ['x', 'y'].map((name) => graph.input(name, 'float32', ['n']))
  for (const [i, input] of [x, y].entries()) graph.output(`z${i}`, op.Exp(nonZero(input)[0]))
  const { flat, want } = await same(graph, { x: floats([1, 0, 2]), y: floats([0, 3, 0]) })
  expect([want.z0, want.z1].map(({ dims }) => dims)).toEqual([[2], [1]])
  const lengths = generated(flat).flatMap((result) => result.lengths)
  expect(lengths).toHaveLength(8)
  // The gathered numbers' in the function and outside, the indices' in the function: no two calls have one in common.
  expect(new Set(lengths).size).toBe(4)
})

test('lengths have the names of what they are', () => {
  const graph = new Graph()
  const tokens = graph.input('tokens', 'float32', ['G', 'C+P'])
  const width = graph.input('width', 'int64', [1], { value: ['P'] })
  const [from, end] = [0, 2 ** 31 - 1].map((at) => graph.constant('int64', [1], [at]))
  const shapes = (...tensors: Tensor[]) => tensors.map(({ shape }) => shape)
  const before = op.Slice(tokens, from, width, [1])
  const after = op.Slice(tokens, width, end, [1])
  expect(shapes(before, after, op.Slice(tokens, [3], [3], [1]))).toEqual([
    ['G', 'P'],
    ['G', 'C'],
    ['G', 0],
  ])
  expect(shapes(op.Concat([before, after], { axis: 1 }))).toEqual([['G', 'C+P']])
  const scalar = (value: number) => graph.constant('int64', [], [value])
  const first = op.Reshape(width, [])
  const all = op.Reshape(op.Shape(tokens, { start: 1 }), [])
  expect(shapes(op.Range(first, all, scalar(1)))).toEqual([['C']])
  // More may be asked for than there is.
  expect(op.Slice(tokens, [0], [7], [1]).shape?.[1]).toMatch(/^unknown/)
  expect(() => knownShape(op.Exp(graph.input('z', 'float32', [2])), [3])).toThrow(/has shape \[2\]/)
})

test('carried lengths that begin alike and grow alike are one length', () => {
  const graph = new Graph()
  const x = graph.input('x', 'float32', [1, 'd'])
  const empty = () => op.ConstantOfShape(graph.constant('int64', [2], [0, 3]))
  const trips = graph.input('trips', 'int64', [])
  const row = graph.constant('float32', [1, 3], [1, 2, 3])
  const [a, b, twice] = op.Loop(
    { trips, carried: [empty(), empty(), empty(), x] },
    (_, one, two, three, kept) => ({
      carried: [
        op.Concat([one, row], { axis: 0 }),
        op.Concat([two, row], { axis: 0 }),
        op.Concat([three, row, row], { axis: 0 }),
        op.Neg(kept),
      ],
    }),
  )
  expect(a.shape).toEqual(b.shape)
  expect(a.shape).not.toEqual(twice.shape)
})

test('the runtime stops where a name is not true, before anything is written into a buffer too small', async () => {
  const graph = new Graph()
  const [x, y] = [graph.input('x', 'float32', ['n']), graph.input('y', 'float32', ['m'])]
  const shaped = (tensor: Tensor) => knownShape(tensor, ['same'])
  // Once the first sum is taken, the buffer of its operand is free for the second's.
  const total = (tensor: Tensor) => op.ReduceSum(shaped(op.Sin(tensor)), undefined, { keepdims: 0 })
  const first = total(x)
  graph.output('z', op.Add(first, total(op.Add(y, first))))
  const run = await openFile(serialize(graph, { flat: true }), graph, { graphOptimizationLevel: 'disabled' })
  const feeds = (m: number) => ({ x: floats([1, 2]), y: floats(Array<number>(m).fill(1)) })
  await expect(run(feeds(2))).resolves.toBeDefined()
  await expect(run(feeds(200))).rejects.toThrow(/Shape mismatch attempting to re-use buffer/)
  const every = everyResult(serialize(graph, { flat: true }))
  expect(every.outputs).toEqual(['z'])
  await InferenceSession.create(every.bytes, { logSeverityLevel: 4 })
})
