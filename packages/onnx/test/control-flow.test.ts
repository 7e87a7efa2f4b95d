/** `If`, `Loop` and `Scan` when they run, when they are differentiated, and what they may not use. */
import { describe, expect, test } from 'vitest'
import {
  EvolmmError,
  Graph,
  customOp,
  grad,
  op,
  parse,
  serialize,
  stopGradient,
  type Tensor,
} from '@evolmm/onnx'
import { runner, type Values } from './support/run'

const total = (x: Tensor): Tensor => op.ReduceSum(x, undefined, { keepdims: 0 })
const floats = (...values: number[]) => ({ dims: [values.length], data: Float32Array.from(values) })

/** Outputs of a graph as plain lists, and their dimensions. */
async function run(
  graph: Graph,
  outputs: Tensor[],
  feeds: Parameters<Awaited<ReturnType<typeof runner>>>[0],
) {
  for (const [i, output] of outputs.entries()) graph.output(`y${i}`, op.Identity(output))
  const results = await (await runner(graph))(feeds)
  const plain = (data: Values) => Array.from(data as Iterable<number | bigint>, Number)
  return outputs.map((_, i) => ({ dims: results[`y${i}`].dims, values: plain(results[`y${i}`].data) }))
}

function codeOf(action: () => unknown): [string, string] {
  try {
    action()
  } catch (error) {
    if (error instanceof EvolmmError) return [error.code, error.message]
    throw error
  }
  return ['', '']
}

describe('Loop', () => {
  test('runs as often as it is told, with carried and captured values and one stacked entry each time', async () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [2])
    const trips = g.input('trips', 'int64', [])
    const [sum, entries] = op.Loop({ trips, carried: [x] }, (iteration, value) => ({
      carried: [op.Add(value, x)],
      stacked: [op.Mul(value, op.Cast(iteration, { to: 'float32' }))],
    }))
    const feeds = { x: floats(1, 10), trips: { dims: [], data: BigInt64Array.of(3n) } }
    expect(await run(g, [sum, entries], feeds)).toEqual([
      { dims: [2], values: [4, 40] },
      { dims: [3, 2], values: [0, 0, 2, 20, 6, 60] },
    ])
  })

  test('gives the first values back when there are no trips', async () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [2])
    const [kept] = op.Loop({ trips: g.constant('int64', [], [0]), carried: [x] }, (_, value) => ({
      carried: [op.Neg(value)],
    }))
    expect(await run(g, [kept], { x: floats(1, 2) })).toEqual([{ dims: [2], values: [1, 2] }])
  })

  test('ends early when its condition is false', async () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [])
    const [last, seen] = op.Loop({ trips: g.constant('int64', [], [100]), carried: [x] }, (_, value) => {
      const next = op.Mul(value, 2)
      return { condition: op.Less(next, 10), carried: [next], stacked: [next] }
    })
    expect(await run(g, [last, seen], { x: { dims: [], data: Float32Array.of(1) } })).toEqual([
      { dims: [], values: [16] },
      { dims: [4], values: [2, 4, 8, 16] },
    ])
  })

  test('does not begin when its first condition is false', async () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [1])
    const condition = g.constant('bool', [], [false])
    const [kept] = op.Loop({ condition, carried: [x] }, (_, value) => ({ carried: [op.Add(value, 1)] }))
    expect(await run(g, [kept], { x: floats(5) })).toEqual([{ dims: [1], values: [5] }])
  })

  test('lets carried values grow, and knows that it does not know how long they are', async () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [1, 2])
    const inside: unknown[] = []
    const [all] = op.Loop({ trips: g.constant('int64', [], [2]), carried: [x] }, (_, rows) => {
      inside.push(rows.shape)
      return { carried: [op.Concat([rows, op.Neg(x)], { axis: 0 })] }
    })
    expect(inside).toEqual([
      [1, 2],
      ['unknown_1', 2],
    ])
    expect(all.shape?.[0]).toMatch(/^unknown_/)
    const feeds = { x: { dims: [1, 2], data: Float32Array.of(1, 2) } }
    expect(await run(g, [all], feeds)).toEqual([{ dims: [3, 2], values: [1, 2, -1, -2, -1, -2] }])
  })

  test.each([
    ['built', (g: Graph) => g],
    ['read from a file', (g: Graph) => parse(serialize(g))],
  ])('needs nothing but trips, %s', async (_, last) => {
    const g = new Graph()
    const x = g.input('x', 'float32', ['n'])
    const trips = op.Shape(x, { start: 0, end: 1 })
    const [entries] = op.Loop({ trips: op.Reshape(trips, []), carried: [] }, (iteration) => ({
      carried: [],
      stacked: [op.Mul(op.Gather(x, iteration), 2)],
    }))
    g.output('y', op.Identity(entries))
    const { y } = await (await runner(last(g)))({ x: floats(1, 2, 3) })
    expect([y.dims, [...(y.data as Float32Array)]]).toEqual([[3], [2, 4, 6]])
  })

  test('runs inside a branch, and branches inside it', async () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [2])
    const isOdd = (iteration: Tensor) => op.Equal(op.Mod(iteration, 2), 1)
    const [y] = op.If(
      op.Less(total(x), 100),
      () =>
        op.Loop({ trips: g.constant('int64', [], [4]), carried: [x] }, (iteration, value) => ({
          carried: op.If(
            isOdd(iteration),
            () => [op.Add(value, x)],
            () => [op.Neg(value)],
          ),
        })),
      () => [x],
    )
    // 1 → -1 → 0 → 0 → 1
    expect(await run(g, [y], { x: floats(1, 3) })).toEqual([{ dims: [2], values: [1, 3] }])
  })
})

test('Scan carries states over the entries of its inputs and stacks what each step gives', async () => {
  const g = new Graph()
  const x = g.input('x', 'float32', ['n', 2])
  const scale = g.input('scale', 'float32', [1])
  const start = g.constant('float32', [2], [0, 0])
  const [last, sums] = op.Scan({ states: [start], inputs: [x] }, (state, entry) => {
    const next = op.Add(state, op.Mul(entry, scale))
    return { states: [next], stacked: [next] }
  })
  expect([last.shape, sums.shape]).toEqual([[2], ['n', 2]])
  const feeds = { x: { dims: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }, scale: floats(10) }
  expect(await run(g, [last, sums], feeds)).toEqual([
    { dims: [2], values: [90, 120] },
    { dims: [3, 2], values: [10, 20, 40, 60, 90, 120] },
  ])
})

describe('gradients', () => {
  test.each([
    [
      'Loop',
      (x: Tensor, g: Graph) =>
        op.Loop({ trips: g.constant('int64', [], [2]), carried: [x] }, (_, v) => ({ carried: [op.Exp(v)] })),
    ],
    [
      'Loop',
      (x: Tensor, g: Graph) =>
        op.Loop({ trips: g.constant('int64', [], [2]), carried: [] }, () => ({
          carried: [],
          stacked: [op.Exp(x)],
        })),
    ],
    ['Scan', (x: Tensor) => op.Scan({ states: [x], inputs: [x] }, (s, e) => ({ states: [op.Add(s, e)] }))],
  ])('there is none of %s, and the message says so', (name, build) => {
    const g = new Graph()
    const x = g.input('x', 'float32', [3])
    const [y] = build(x, g)
    const [code, message] = codeOf(() => grad(total(y), [x]))
    expect(code).toBe('NO_GRADIENT_RULE')
    expect(message).toContain(`${name} "${name}_1"`)
  })

  test('a Loop beside the path is no obstacle', async () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [2])
    const [doubled] = op.Loop({ trips: g.constant('int64', [], [1]), carried: [x] }, (_, v) => ({
      carried: [op.Mul(v, 2)],
    }))
    const [gradient] = grad(total(op.Mul(x, stopGradient(doubled))), [x])
    expect(await run(g, [gradient], { x: floats(1, 3) })).toEqual([{ dims: [2], values: [2, 6] }])
  })

  test('stopGradient holds in the branches of an If, and in branches of branches', async () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [2])
    const yes = op.Less(total(op.Mul(x, 0)), 1)
    const nested = () =>
      op.If(
        yes,
        () => [op.Mul(x, stopGradient(op.Exp(x)))],
        () => [x],
      )
    const [y] = op.If(
      yes,
      () => [op.Mul(stopGradient(x), nested()[0])],
      () => [x],
    )
    const [gradient] = grad(total(y), [x])
    const [{ values }] = await run(g, [gradient], { x: floats(1, 2) })
    expect(values[0]).toBeCloseTo(Math.E, 5)
    expect(values[1]).toBeCloseTo(2 * Math.exp(2), 5)
  })

  test('a branch that is not taken is not run backwards', async () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [2])
    // The other branch would divide an integer by zero, which ends the run.
    const zero = op.Cast(op.Mul(total(x), 0), { to: 'int64' })
    const [y] = op.If(
      op.Less(total(op.Mul(x, 0)), 1),
      () => [op.Mul(x, 3)],
      () => [op.Mul(op.Gather(x, op.Add(zero, 99)), x)],
    )
    const [gradient] = grad(total(y), [x])
    expect(await run(g, [gradient], { x: floats(1, 2) })).toEqual([{ dims: [2], values: [3, 3] }])
  })
})

describe('OUT_OF_SCOPE', () => {
  test('a tensor of another graph', () => {
    const [g, other] = [new Graph('one'), new Graph('two')]
    const [code, message] = codeOf(() =>
      op.Add(g.input('x', 'float32', [1]), other.input('y', 'float32', [1])),
    )
    expect(code).toBe('OUT_OF_SCOPE')
    expect(message).toContain('Add "Add_1"')
    expect(message).toContain('"y" of graph "two"')
  })

  test('a tensor of a body, from outside it', () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [1])
    let inner = x
    op.If(
      op.Less(total(x), 0),
      () => [(inner = op.Exp(x))],
      () => [x],
    )
    expect(codeOf(() => op.Neg(inner))[0]).toBe('OUT_OF_SCOPE')
  })

  test('a tensor of one branch, in the other', () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [1])
    let inner = x
    const build = () =>
      op.If(
        op.Less(total(x), 0),
        () => [(inner = op.Exp(x))],
        () => [op.Neg(inner)],
      )
    expect(codeOf(build)[0]).toBe('OUT_OF_SCOPE')
  })

  test('a captured tensor in a custom op', () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [1])
    const captured = op.Exp(x)
    const leaky = customOp({
      name: 'Leaky',
      forward: (a) => [op.Add(a, captured)],
      backward: ({ gradients }) => [gradients[0]],
    })
    const [code, message] = codeOf(() => leaky(x))
    expect(code).toBe('OUT_OF_SCOPE')
    expect(message).toContain(`"${captured.name}" of graph`)
  })

  test('and the graph goes on where it was', () => {
    const g = new Graph()
    const x = g.input('x', 'float32', [1])
    const other = new Graph().input('y', 'float32', [1])
    const build = () =>
      op.If(
        op.Less(total(x), 0),
        () => [op.Add(x, other)],
        () => [x],
      )
    expect(codeOf(build)[0]).toBe('OUT_OF_SCOPE')
    expect(g.current).toBe(g.body)
  })
})
