import { readFileSync } from 'node:fs'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { differentiate, EvolmmError, Graph, op, parse, serialize, tensorValues } from '@evolmm/onnx'

interface Case {
  model: string
  feeds: Record<string, { dims: number[]; data: number[] }>
  loss: number
  gradients: Record<string, { dims: number[]; data: number[] }>
}

// Models made with onnx.helper, losses and gradients with PyTorch: see make_differentiate.py beside the numbers.
const fixture = JSON.parse(
  readFileSync(new URL('fixtures/differentiate.json', import.meta.url), 'utf8'),
) as Record<'mlp' | 'block', Case>

async function run(model: Uint8Array, feeds: Record<string, OrtTensor>) {
  const session = await InferenceSession.create(model, { logSeverityLevel: 3 })
  return { names: session.outputNames, results: await session.run(feeds) }
}

function tensors({ feeds }: Case): Record<string, OrtTensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dims, data }]) => [
      name,
      name === 'y'
        ? new OrtTensor('int64', BigInt64Array.from(data, BigInt), dims)
        : new OrtTensor('float32', Float32Array.from(data), dims),
    ]),
  )
}

function relativeError(actual: Float32Array, expected: number[]): number {
  const scale = Math.max(...expected.map(Math.abs))
  return Math.max(...expected.map((value, i) => Math.abs(value - actual[i]))) / scale
}

function codeOf(action: () => unknown): { code: string; message: string } {
  try {
    action()
  } catch (error) {
    if (error instanceof EvolmmError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('nothing was thrown')
}

describe.each(['mlp', 'block'] as const)('%s', (name) => {
  const given = fixture[name]
  const bytes = Buffer.from(given.model, 'base64')
  const wrt = Object.keys(given.gradients)

  test.each([false, true])('has the gradients of PyTorch, initializersAsInputs %s', async (asInputs) => {
    const model = differentiate(bytes, { loss: 'loss', wrt, initializersAsInputs: asInputs })
    const feeds = tensors(given)
    if (asInputs) {
      for (const { name, data } of parse(bytes).body.initializers) {
        if (data === undefined || !('bytes' in data) || !wrt.includes(name)) continue
        feeds[name] = new OrtTensor('float32', tensorValues(data) as Float32Array, data.dims)
      }
    }
    const { names, results } = await run(model, feeds)
    expect(names).toEqual([
      ...parse(bytes).body.outputs.map((output) => output.name),
      ...wrt.map((w) => `${w}_grad`),
    ])
    expect(Math.abs(Number(results.loss.data[0]) / given.loss - 1)).toBeLessThan(1e-5)
    for (const [w, { dims, data }] of Object.entries(given.gradients)) {
      expect(results[`${w}_grad`].dims).toEqual(dims)
      expect(relativeError(results[`${w}_grad`].data as Float32Array, data), w).toBeLessThan(1e-5)
    }
  })

  test('parse keeps what the model computes', async () => {
    const feeds = tensors(given)
    const before = await run(bytes, feeds)
    for (const inlineFunctions of [false, true]) {
      const graph = parse(bytes, { inlineFunctions })
      expect(graph.functions.size).toBe(name === 'mlp' && !inlineFunctions ? 1 : 0)
      const after = await run(serialize(graph), feeds)
      expect(after.names).toEqual(before.names)
      for (const output of before.names)
        expect([...(after.results[output].data as Float32Array)]).toEqual([
          ...(before.results[output].data as Float32Array),
        ])
    }
  })
})

test('initializers that become inputs are gone from the model, the others stay', () => {
  const bytes = Buffer.from(fixture.mlp.model, 'base64')
  const graph = parse(differentiate(bytes, { loss: 'loss', wrt: ['w1', 'x'], initializersAsInputs: true }))
  expect(graph.body.inputs.map((input) => input.name)).toEqual(['x', 'y', 'w1'])
  const left = graph.body.initializers.map((constant) => constant.name)
  expect(left).toEqual(expect.arrayContaining(['b1', 'w2', 'b2']))
  expect(left).not.toContain('w1')
})

test('a loss in the middle of the model becomes an output', async () => {
  const graph = new Graph()
  const x = graph.input('x', 'float32', [2])
  const inner = op.ReduceSum(op.Mul(x, x), [0], { keepdims: 0 })
  graph.output('y', op.Exp(inner))
  const model = differentiate(serialize(graph), { loss: inner.name, wrt: ['x'] })
  const { names, results } = await run(model, { x: new OrtTensor('float32', Float32Array.of(1, -2), [2]) })
  expect(names).toEqual(['y', inner.name, 'x_grad'])
  expect([...(results.x_grad.data as Float32Array)]).toEqual([2, -4])
})

test('a gradient that is the input itself, and one that two names share', async () => {
  const graph = new Graph()
  const a = graph.input('a', 'float32', [])
  const b = graph.input('b', 'float32', [])
  graph.output('sum', op.Add(a, b))
  graph.output('product', op.Mul(a, b))
  const bytes = serialize(graph)
  const feeds = {
    a: new OrtTensor('float32', Float32Array.of(3), []),
    b: new OrtTensor('float32', Float32Array.of(5), []),
  }
  const sum = await run(differentiate(bytes, { loss: 'sum', wrt: ['a', 'b'] }), feeds)
  expect([sum.results.a_grad.data[0], sum.results.b_grad.data[0]]).toEqual([1, 1])
  const product = await run(differentiate(bytes, { loss: 'product', wrt: ['a', 'b'] }), feeds)
  expect([product.results.a_grad.data[0], product.results.b_grad.data[0]]).toEqual([5, 3])
})

describe('what is wrong is named', () => {
  const bytes = Buffer.from(fixture.mlp.model, 'base64')
  const cases: [string, { loss: string; wrt: string[] }, string, RegExp][] = [
    ['unknown loss', { loss: 'los', wrt: ['w1'] }, 'UNKNOWN_NAME', /"los"; there are: logits, loss/],
    ['unknown wrt', { loss: 'loss', wrt: ['w3'] }, 'UNKNOWN_NAME', /"w3"; there are: x, y, .*w1/],
    ['a result as wrt', { loss: 'loss', wrt: ['logits'] }, 'UNKNOWN_NAME', /inputs or initializers/],
    [
      'loss of many elements',
      { loss: 'logits', wrt: ['w1'] },
      'NOT_A_SCALAR',
      /logits: float32 \[batch, 3\]/,
    ],
    [
      'one name as wrt',
      { loss: 'loss', wrt: 'w1' as never },
      'INVALID_OPTION',
      /must be a list.* got a string/,
    ],
    ['integer wrt', { loss: 'loss', wrt: ['y'] }, 'NOT_DIFFERENTIABLE', /y: int64/],
  ]
  test.each(cases)('%s', (_, options, code, message) => {
    const error = codeOf(() => differentiate(bytes, options))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })

  test('no path', () => {
    const graph = new Graph()
    const x = graph.input('x', 'float32', [2])
    const z = graph.input('z', 'float32', [2])
    const largest = op.Cast(op.ArgMax(z, { axis: 0, keepdims: 0 }), { to: 'float32' })
    graph.output('loss', op.Add(op.ReduceSum(x, [0], { keepdims: 0 }), largest))
    const error = codeOf(() => differentiate(serialize(graph), { loss: 'loss', wrt: ['x', 'z'] }))
    expect(error.code).toBe('NO_PATH')
    expect(error.message).toMatch(/depend on "z" through floats.*it depends on: x/)
  })

  test('a name that is taken', () => {
    const graph = new Graph()
    const x = graph.input('x', 'float32', [])
    graph.output('x_grad', op.Exp(x))
    expect(codeOf(() => differentiate(serialize(graph), { loss: 'x_grad', wrt: ['x'] })).code).toBe(
      'DUPLICATE_NAME',
    )
  })
})
