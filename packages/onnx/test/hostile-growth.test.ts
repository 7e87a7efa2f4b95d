/** Small files that stand for something huge: refused, or read without growing. */
import { create } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { EvolmmError, parse } from '@evolmm/onnx'
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  NodeProtoSchema,
  type GraphProto,
} from '../src/proto/gen/onnx_pb'
import { float, model, node, refusal, tensor, y } from './support/broken-model'

describe('growth', () => {
  /** A model whose bodies have bodies. */
  function nested(depth: number): Uint8Array {
    let inner: Partial<GraphProto> = {
      node: [create(NodeProtoSchema, node('Identity', ['x'], ['y0']))],
      output: [],
    }
    for (let level = 1; level <= depth; level++) {
      const branch = create(AttributeProtoSchema, {
        name: 'then_branch',
        type: Kind.GRAPH,
        g: inner as GraphProto,
      })
      const other = create(AttributeProtoSchema, { name: 'else_branch', type: Kind.GRAPH, g: {} })
      inner = {
        node: [
          create(NodeProtoSchema, { opType: 'If', input: ['c'], output: [], attribute: [branch, other] }),
        ],
      }
    }
    return model({
      node: [...(inner.node ?? []), ...y],
      input: [
        { name: 'x', type: float(2) },
        { name: 'c', type: { tensorType: { elemType: 9, shape: {} } } },
      ],
    })
  }

  test.each([64, 65, 300])('%i bodies deep', (depth) => {
    if (depth === 64) expect(parse(nested(depth)).body.nodes).toHaveLength(2)
    else expect(refusal(nested(depth)).code).toBe('INVALID_MODEL')
  })

  test('functions that call functions twice each', () => {
    const twice = (level: number) => [
      node(`F${level - 1}`, ['a'], ['h'], [], 'f'),
      node(`F${level - 1}`, ['h'], ['b'], [], 'f'),
    ]
    const functions = Array.from({ length: 40 }, (_, level) => ({
      name: `F${level}`,
      domain: 'f',
      input: ['a'],
      output: ['b'],
      node: level === 0 ? [node('Neg', ['a'], ['b'])] : twice(level),
    }))
    const bytes = model({ node: [node('F39', ['x'], ['y'], [], 'f')] }, { functions })
    expect(parse(bytes).functions.size).toBe(40)
    expect(() => parse(bytes, { inlineFunctions: true })).toThrow(/stand for at most 200000 nodes/)
  })

  test('a chain that doubles a name with each node stays small', () => {
    const steps = Array.from({ length: 60 }, (_, i) =>
      node(
        'Concat',
        [i === 0 ? 'x' : `v${i}`, i === 0 ? 'x' : `v${i}`],
        [i === 59 ? 'y' : `v${i + 1}`],
        [{ name: 'axis', type: Kind.INT, i: 0n }],
      ),
    )
    const graph = parse(
      model({ node: steps, input: [{ name: 'x', type: float('n') }], output: [{ name: 'y' }] }),
    )
    expect(String(graph.body.outputs[0].shape).length).toBeLessThan(500)
  })

  test('a chain that doubles a value with each node stays small', () => {
    const steps = Array.from({ length: 45 }, (_, i) =>
      node('Concat', [`v${i}`, `v${i}`], [`v${i + 1}`], [{ name: 'axis', type: Kind.INT, i: 0n }]),
    )
    const first = tensor({ name: 'v0', dataType: 7, int64Data: [1n, 2n] })
    const graph = parse(model({ node: [...steps, ...y], initializer: [first] }))
    expect(graph.body.nodes).toHaveLength(46)
  })

  test('a chain that doubles the rank with each node is refused', () => {
    const steps = Array.from({ length: 40 }, (_, i) => node('Gather', [`v${i}`, `v${i}`], [`v${i + 1}`]))
    const first = tensor({ name: 'v0', dataType: 7, dims: [1n, 1n, 1n], int64Data: [0n] })
    expect(refusal(model({ node: [...steps, ...y], initializer: [first] })).message).toMatch(
      /at most 64 axes/,
    )
  })

  const integers = (dims: number[]) => ({ tensorType: { ...float(...dims).tensorType, elemType: 7 } })
  describe.each([2 ** 40, 1e8])('a list of %d lengths', (length) => {
    test.each([
      'Reshape',
      'Expand',
      'ConstantOfShape',
      'Split',
      'Tile',
      'Slice',
      'Unsqueeze',
      'Pad',
      'Resize',
    ])('%s', (opType) => {
      const inputs = opType === 'ConstantOfShape' ? ['s'] : opType === 'Slice' ? ['x', 's', 's'] : ['x', 's']
      const bytes = model({
        node: [node(opType, inputs, ['z']), ...y],
        input: [
          { name: 'x', type: float(2) },
          { name: 's', type: integers([length]) },
        ],
      })
      try {
        expect(parse(bytes).body.nodes).toHaveLength(2)
      } catch (error) {
        expect(error).toBeInstanceOf(EvolmmError)
      }
    })
  })

  test('a split into very many parts', () => {
    const bytes = model({
      node: [node('Split', ['x'], ['z'], [{ name: 'num_outputs', type: Kind.INT, i: 100_000_000n }]), ...y],
    })
    try {
      parse(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(EvolmmError)
    }
  })
})
