/** A gradient that cannot be had: the missing rule is what is reported, and the graph is as it was. */
import { create, toBinary } from '@bufbuild/protobuf'
import { EvolmmError } from '@evolmm/internal'
import { describe as suite, expect, test } from 'vitest'
import {
  checkpoint,
  customOp,
  describe,
  differentiate,
  grad,
  Graph,
  op,
  serialize,
  type Tensor,
} from '@evolmm/onnx'
import { ModelProtoSchema } from '../src/proto/gen/onnx_pb'
import { gradientError } from './support/check-gradient'

const sum = (x: Tensor) => op.ReduceSum(x, undefined, { keepdims: 0 })

function failure(action: () => unknown): EvolmmError {
  try {
    action()
  } catch (error) {
    if (error instanceof EvolmmError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** A file whose second node is of an operator that nobody knows, so that all shapes after it are unknown. */
function file(middle: Record<string, unknown>[]): Uint8Array {
  const x = {
    name: 'x',
    type: { tensorType: { elemType: 1, shape: { dim: [{ value: { case: 'dimValue', value: 4n } }] } } },
  }
  const ints = (name: string, value: bigint) => ({ name, type: 2, i: value })
  const init = {
    irVersion: 10n,
    opsetImport: [{ version: 21n }, { domain: 'other', version: 1n }],
    graph: {
      name: 'g',
      input: [x],
      output: [{ name: 'loss' }],
      node: [
        { opType: 'Exp', input: ['x'], output: ['a'], name: 'first' },
        ...middle,
        { opType: 'Softmax', input: ['b'], output: ['c'], name: 'third', attribute: [ints('axis', -1n)] },
        {
          opType: 'ReduceSum',
          input: ['c'],
          output: ['s'],
          name: 'fourth',
          attribute: [ints('keepdims', 0n)],
        },
        { opType: 'Reshape', input: ['s', 'shape'], output: ['loss'], name: 'fifth' },
      ],
      initializer: [{ name: 'shape', dataType: 7, dims: [0n] }],
    },
  }
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, init as never))
}

test('a missing rule is reported as such, though types after it are unknown', () => {
  const bytes = file([{ opType: 'Foreign', domain: 'other', input: ['a'], output: ['b'], name: 'second' }])
  const error = failure(() => differentiate(bytes, { loss: 'loss', wrt: ['x'] }))
  expect(error.code).toBe('NO_GRADIENT_RULE')
  expect(error.message).toContain('none for other.Foreign on the path x → first → second → … → loss')
  expect(error.details).toMatchObject({ opType: 'Foreign', domain: 'other', path: ['x', 'first', 'second'] })
})

test.each(['c', 'whole', 's'])(
  'the same when the loss "%s" itself is of unknown shape, or a sum over all axes',
  (loss) => {
    const bytes = file([
      { opType: 'Foreign', domain: 'other', input: ['a'], output: ['b'], name: 'second' },
      {
        opType: 'ReduceMean',
        input: ['b'],
        output: ['whole'],
        attribute: [{ name: 'keepdims', type: 2, i: 0n }],
      },
    ])
    expect(failure(() => differentiate(bytes, { loss, wrt: ['x'] })).code).toBe('NO_GRADIENT_RULE')
  },
)

test('a loss of unknown shape that only rules stand before is no single number', () => {
  const graph = new Graph()
  const [x, shape] = [graph.input('x', 'float32', [4]), graph.input('shape', 'int64', undefined)]
  graph.output('y', op.Exp(op.Reshape(x, shape)))
  expect(failure(() => differentiate(serialize(graph), { loss: 'y', wrt: ['x'] })).code).toBe('NOT_A_SCALAR')
})

test('the same within the branches of an If', () => {
  const branch = (name: string, opType: string, domain: string) => ({
    name,
    type: 5,
    g: {
      name,
      node: [{ opType, domain, input: ['a'], output: [name], name: `in_${name}` }],
      output: [{ name }],
    },
  })
  const bytes = file([
    {
      opType: 'ReduceSum',
      input: ['a'],
      output: ['total'],
      attribute: [{ name: 'keepdims', type: 2, i: 0n }],
    },
    { opType: 'Cast', input: ['total'], output: ['yes'], attribute: [{ name: 'to', type: 2, i: 9n }] },
    {
      opType: 'If',
      input: ['yes'],
      output: ['b'],
      name: 'second',
      attribute: [branch('then_branch', 'Neg', ''), branch('else_branch', 'Foreign', 'other')],
    },
  ])
  const error = failure(() => differentiate(bytes, { loss: 'loss', wrt: ['x'] }))
  expect(error.code).toBe('NO_GRADIENT_RULE')
  expect(error.message).toContain('other.Foreign')
  expect(error.message).toContain('in_else_branch')
})

suite('the graph is as it was after', () => {
  const fails = customOp({
    name: 'Fails',
    forward: (x) => [op.Mul(x, 3)],
    backward: ({ gradients: [gradient] }) => {
      if (gradient !== undefined) op.Mul(gradient, 5)
      throw new EvolmmError('NOT_TODAY', 'Fails: no')
    },
  })
  const twice = customOp({
    name: 'Twice',
    forward: (x) => [op.Mul(x, 2)],
    backward: ({ gradients: [gradient] }) => [gradient && op.Mul(gradient, 2)],
  })
  const loop = (graph: Graph, x: Tensor) =>
    op.Loop({ trips: graph.constant('int64', [], [3]), carried: [x] }, (_, value) => ({
      carried: [op.Exp(value)],
    }))[0]
  const builds: Record<string, (graph: Graph, x: Tensor) => Tensor> = {
    'a missing rule': (graph, x) => op.Tanh(op.Exp(twice(loop(graph, x))[0])),
    'a missing rule in a branch': (graph, x) =>
      op.Tanh(
        op.If(
          op.Less(sum(x), 0),
          () => [loop(graph, x)],
          () => [op.Exp(x)],
        )[0],
      ),
    'a missing rule in a checkpoint': (graph, x) =>
      op.Tanh(checkpoint((a) => [loop(graph, op.Exp(a))], [op.Mul(x, 7)])[0]),
    'a backward function that throws': (_, x) => op.Tanh(fails(op.Exp(x))[0]),
  }
  test.each(Object.entries(builds))('%s', (_, build) => {
    const graph = new Graph('failing')
    const x = graph.input('x', 'float32', [2])
    const loss = sum(build(graph, x))
    graph.output('y', op.Identity(loss))
    const [before, bytes] = [describe(graph), serialize(graph)]
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(() => grad(loss, [x])).toThrow(EvolmmError)
      expect(describe(graph)).toBe(before)
      expect(Buffer.compare(serialize(graph), bytes)).toBe(0)
    }
    // Names that the attempt took are free again.
    expect(graph.input('Expand_1', 'float32', []).name).toBe('Expand_1')
  })

  test('functions made on the way are made again by an attempt that succeeds', async () => {
    let failing = true
    const wary = customOp({
      name: 'Wary',
      forward: (x) => [op.Mul(x, 3)],
      backward: ({ gradients: [gradient] }) => {
        if (failing) throw new EvolmmError('NOT_YET', 'Wary: no')
        return [gradient && op.Mul(gradient, 3)]
      },
    })
    const error = await gradientError({
      shapes: [[3]],
      build: ([x]) => {
        const y = twice(op.Exp(twice(wary(x)[0])[0]))[0]
        expect(() => grad(sum(y), [x])).toThrow('Wary: no')
        failing = false
        return y
      },
    })
    expect(error).toBeLessThan(1e-6)
  })

  test('a forward function that throws leaves nothing that the next attempt would use', () => {
    let failing = true
    const late = customOp({
      name: 'Late',
      forward: (x) => {
        const y = op.Mul(x, 3)
        if (failing) throw new EvolmmError('NOT_YET', 'Late: no')
        return [y]
      },
      backward: () => [],
    })
    const graph = new Graph()
    const x = graph.input('x', 'float32', [2])
    expect(() => late(x)).toThrow('Late: no')
    failing = false
    graph.output('y', late(x)[0])
    expect(() => serialize(graph)).not.toThrow()
    expect([...graph.functions.keys()]).toEqual(['evolmm.Late'])
  })
})
