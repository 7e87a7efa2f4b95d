import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { WireType } from '@bufbuild/protobuf/wire'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { describe as show, parse, serialize, tensorValues, type DType } from '@evolmm/onnx'
import {
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
} from '../src/proto/gen/onnx_pb'
import { everything } from './support/everything'

type ModelInit = Exclude<MessageInitShape<typeof ModelProtoSchema>, { $typeName: string }>
type GraphInit = Exclude<NonNullable<ModelInit['graph']>, { $typeName: string }>
type NodeInit = MessageInitShape<typeof NodeProtoSchema>

const vector = (length: number) => ({
  tensorType: {
    elemType: 1,
    shape: { dim: [{ value: { case: 'dimValue' as const, value: BigInt(length) } }] },
  },
})

/** A model x [4] → y of these nodes. */
function model(node: NodeInit[], graph: GraphInit = {}, rest: ModelInit = {}): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 10n,
      opsetImport: [{ domain: '', version: 21n }],
      graph: { name: 'g', node, input: [{ name: 'x', type: vector(4) }], output: [{ name: 'y' }], ...graph },
      ...rest,
    }),
  )
}

async function run(bytes: Uint8Array, x = [1, -2, 3, -4]): Promise<number[]> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 })
  const { y } = await session.run({ x: new OrtTensor('float32', Float32Array.from(x), [4]) })
  return [...(y.data as Float32Array)]
}

describe('round trip', () => {
  test('text, bytes and metadata are the same', () => {
    const graph = everything()
    const bytes = serialize(graph)
    const back = parse(bytes)
    expect(show(back)).toBe(show(graph))
    expect(Buffer.compare(serialize(back), bytes)).toBe(0)
    expect([...back.metadata]).toEqual([['k', 'v']])
  })

  test('functions in place of their calls leave inputs, outputs and no calls', () => {
    const graph = parse(serialize(everything()), { inlineFunctions: true })
    expect(graph.functions.size).toBe(0)
    expect(graph.body.nodes.filter((node) => node.domain !== '')).toEqual([])
    expect(graph.body.outputs.map(({ name }) => name)).toEqual(['l', 'dx', 'dw'])
  })

  test('texts, unknown fields, foreign operators and their declared types stay', () => {
    // Field 9 of a node is a list of notes, which our schema does not have: length, then bytes.
    const notes = { no: 9, wireType: WireType.LengthDelimited, data: new TextEncoder().encode('\u0004note') }
    const bytes = model(
      [
        {
          opType: 'Foreign',
          domain: 'other',
          input: ['x'],
          output: ['f', ''],
          docString: 'why',
          name: 'n',
          attribute: [{ name: 'a', type: Kind.STRINGS, strings: [Uint8Array.of(97)] }],
        },
        { opType: 'Exp', input: ['f'], output: ['y'], name: 'e' },
      ],
      { valueInfo: [{ name: 'f', type: vector(7) }], docString: 'what' },
      {
        docString: 'all',
        modelVersion: 3n,
        opsetImport: [{ version: 21n }, { domain: 'other', version: 2n }],
      },
    )
    const message = fromBinary(ModelProtoSchema, bytes)
    for (const node of message.graph?.node ?? []) node.$unknown = [notes]
    const first = parse(toBinary(ModelProtoSchema, message))
    expect(first.body.nodes.map((node) => node.outputs[0]?.shape)).toEqual([[7], [7]])
    expect(first.domains.get('other')).toBe(2)
    const again = serialize(first)
    expect(show(parse(again))).toBe(show(first))
    for (const text of ['why', 'what', 'all', 'note']) expect(Buffer.from(again).includes(text)).toBe(true)
  })
})

describe('constants', () => {
  const halves = [0x3c00, 0xc100] // 1 and -2.5 in float16
  const brains = [0x3f80, 0xc020] // 1 and -2.5 in bfloat16
  const cases: [DType, number, MessageInitShape<typeof TensorProtoSchema>, number[]][] = [
    ['float32', 1, { floatData: [1, -2.5] }, [1, -2.5]],
    ['float64', 11, { doubleData: [1, -2.5] }, [1, -2.5]],
    ['int64', 7, { int64Data: [1n, -2n] }, [1, -2]],
    ['int32', 6, { int32Data: [1, -2] }, [1, -2]],
    ['int16', 5, { int32Data: [1, -2] }, [1, -2]],
    ['int8', 3, { int32Data: [1, -2] }, [1, -2]],
    ['uint16', 4, { int32Data: [1, 65535] }, [1, 65535]],
    ['uint8', 2, { int32Data: [1, 255] }, [1, 255]],
    ['bool', 9, { int32Data: [1, 0] }, [1, 0]],
    ['float16', 10, { int32Data: halves }, halves],
    ['bfloat16', 16, { int32Data: brains }, brains],
    ['uint64', 13, { uint64Data: [1n, 2n] }, [1, 2]],
    ['uint32', 12, { uint64Data: [1n, 4294967295n] }, [1, 4294967295]],
  ]
  test.each(cases)('%s from a list of numbers and from bytes', (dtype, dataType, fields, expected) => {
    const initializer = [{ name: 'w', dataType, dims: [2n], ...fields }]
    const graph = parse(model([{ opType: 'Exp', input: ['x'], output: ['y'] }], { initializer }))
    const [{ data }] = graph.body.initializers
    if (data === undefined || !('bytes' in data)) throw new Error('no bytes')
    expect(data.dtype).toBe(dtype)
    expect(Array.from(tensorValues(data) as Iterable<number | bigint>, Number)).toEqual(expected)
    const [{ data: again }] = parse(serialize(graph)).body.initializers
    expect(again).toEqual(data)
  })

  const attributes = [
    { name: 'value_float', type: Kind.FLOAT, f: 2 },
    { name: 'value_floats', type: Kind.FLOATS, floats: [2, 2, 2, 2] },
    { name: 'value', type: Kind.TENSOR, t: { dataType: 1, dims: [1n], floatData: [2] } },
  ]
  test.each(attributes)('a Constant node with $name', async (attribute) => {
    const bytes = model([
      { opType: 'Constant', output: ['c'], attribute: [attribute] },
      { opType: 'Mul', input: ['x', 'c'], output: ['y'] },
    ])
    const graph = parse(bytes)
    expect(graph.body.nodes.map((node) => node.opType)).toEqual(['Mul'])
    expect(await run(serialize(graph))).toEqual([2, -4, 6, -8])
  })

  test('an input that repeats a constant has it as its default; before IR version 4 it is the constant', () => {
    const nodes = [{ opType: 'Mul', input: ['x', 'w'], output: ['y'] }]
    const graph: GraphInit = {
      input: [
        { name: 'x', type: vector(4) },
        { name: 'w', type: vector(1) },
      ],
      initializer: [{ name: 'w', dataType: 1, dims: [1n], floatData: [2] }],
    }
    const names = (irVersion: bigint) =>
      parse(model(nodes, graph, { irVersion })).body.inputs.map(({ name }) => name)
    expect(names(10n)).toEqual(['x', 'w'])
    expect(names(3n)).toEqual(['x'])
    const back = parse(serialize(parse(model(nodes, graph))))
    expect(back.body.inputs[1]).toBe(back.body.initializers[0])
  })
})

describe('functions', () => {
  const scale = (name: string, more: NodeInit[] = []) => ({
    name,
    domain: 'f',
    input: ['x'],
    output: ['y'],
    attribute: ['by'],
    opsetImport: [{ domain: '', version: 21n }],
    node: [
      ...more,
      {
        opType: 'Constant',
        output: ['c'],
        attribute: [{ name: 'value_float', type: Kind.FLOAT, refAttrName: 'by' }],
      },
      { opType: 'Mul', input: ['x', 'c'], output: ['y'] },
    ],
  })
  const imports = { opsetImport: [{ version: 21n }, { domain: 'f', version: 1n }] }
  const call = (input: string, output: string, by: number, opType = 'Scale') => ({
    opType,
    domain: 'f',
    input: [input],
    output: [output],
    attribute: [{ name: 'by', type: Kind.FLOAT, f: by }],
  })

  test.each([false, true])('with other arguments in each call, inlined %s', async (inlineFunctions) => {
    const bytes = model(
      [call('x', 'a', 2), call('a', 'b', 3), call('b', 'y', 2)],
      {},
      {
        ...imports,
        functions: [scale('Scale')],
      },
    )
    expect(await run(bytes)).toEqual([12, -24, 36, -48])
    const graph = parse(bytes, { inlineFunctions })
    expect(graph.functions.size).toBe(inlineFunctions ? 0 : 2)
    expect(graph.body.outputs[0].name).toBe('y')
    expect(await run(serialize(graph))).toEqual([12, -24, 36, -48])
  })

  test.each([false, true])(
    'that call functions and pass arguments on, inlined %s',
    async (inlineFunctions) => {
      const outer = {
        ...scale('Outer'),
        node: [
          {
            opType: 'Scale',
            domain: 'f',
            input: ['x'],
            output: ['h'],
            attribute: [{ name: 'by', type: Kind.FLOAT, refAttrName: 'by' }],
          },
          { opType: 'Neg', input: ['h'], output: ['y'] },
        ],
        opsetImport: imports.opsetImport,
      }
      const bytes = model(
        [call('x', 'y', 5, 'Outer')],
        {},
        { ...imports, functions: [outer, scale('Scale')] },
      )
      const graph = parse(bytes, { inlineFunctions })
      expect(await run(serialize(graph))).toEqual([-5, 10, -15, 20])
    },
  )

  test.each([false, true])(
    'with a default argument and one left out, inlined %s',
    async (inlineFunctions) => {
      const fn = {
        ...scale('Scale'),
        attribute: [],
        attributeProto: [{ name: 'by', type: Kind.FLOAT, f: 7 }],
        input: ['x', 'unused'],
      }
      const bytes = model([{ ...call('x', 'y', 0), attribute: [] }], {}, { ...imports, functions: [fn] })
      const graph = parse(bytes, { inlineFunctions })
      expect(await run(serialize(graph))).toEqual([7, -14, 21, -28])
    },
  )

  test('whose results are their inputs, inlined', async () => {
    const fn = { name: 'Same', domain: 'f', input: ['a'], output: ['a'], node: [] }
    const bytes = model(
      [
        { opType: 'Same', domain: 'f', input: ['x'], output: ['h'] },
        { opType: 'Exp', input: ['h'], output: ['y'] },
      ],
      {},
      { ...imports, functions: [fn] },
    )
    expect(await run(serialize(parse(bytes, { inlineFunctions: true })), [0, 0, 0, 0])).toEqual([1, 1, 1, 1])
  })
})

describe('older operator sets', () => {
  const cases: Record<string, [bigint, NodeInit[], number[]]> = {
    'ReduceMax of 13 has axes as an attribute': [
      13n,
      [
        {
          opType: 'ReduceMax',
          input: ['x'],
          output: ['y'],
          attribute: [{ name: 'axes', type: Kind.INTS, ints: [0n] }],
        },
      ],
      [3],
    ],
    'Split of 13 has as many parts as outputs': [
      13n,
      [
        { opType: 'Split', input: ['x'], output: ['a', 'b'] },
        { opType: 'Sub', input: ['a', 'b'], output: ['y'] },
      ],
      [-2, 2],
    ],
  }
  test.each(Object.entries(cases))('%s', async (_, [version, nodes, expected]) => {
    const bytes = model(nodes, {}, { opsetImport: [{ version }], irVersion: 7n })
    expect(await run(bytes)).toEqual(expected)
    const graph = parse(bytes)
    expect(graph.opset).toBe(21)
    expect(await run(serialize(graph))).toEqual(expected)
  })

  test('newer ones stay', () => {
    expect(
      parse(model([{ opType: 'Exp', input: ['x'], output: ['y'] }], {}, { opsetImport: [{ version: 24n }] }))
        .opset,
    ).toBe(24)
  })
})

describe('names', () => {
  test('a body may use a name that another has; results keep theirs', async () => {
    const branch = (opType: string) => ({
      name: opType,
      node: [
        { opType, input: ['x'], output: ['h'] },
        { opType: 'Neg', input: ['h'], output: ['o'] },
      ],
      output: [{ name: 'o', type: vector(4) }],
    })
    const bytes = model([
      {
        opType: 'ReduceSum',
        input: ['x'],
        output: ['s'],
        attribute: [{ name: 'keepdims', type: Kind.INT, i: 0n }],
      },
      { opType: 'Cast', input: ['s'], output: ['c'], attribute: [{ name: 'to', type: Kind.INT, i: 9n }] },
      {
        opType: 'If',
        input: ['c'],
        output: ['y'],
        attribute: [
          { name: 'then_branch', type: Kind.GRAPH, g: branch('Abs') },
          { name: 'else_branch', type: Kind.GRAPH, g: branch('Relu') },
        ],
      },
    ])
    const graph = parse(bytes)
    const again = serialize(graph)
    expect(show(parse(again))).toBe(show(graph))
    expect(await run(again)).toEqual(await run(bytes))
    expect(await run(again)).toEqual([-1, -2, -3, -4])
  })

  test('made-up names do not meet those of the file', () => {
    const graph = parse(
      model(
        [
          { opType: 'ReduceMax', input: ['x', 'Exp_1'], output: ['h'] },
          { opType: 'Exp', input: ['h'], output: ['y'] },
        ],
        { initializer: [{ name: 'Exp_1', dataType: 7, dims: [1n], int64Data: [0n] }] },
      ),
    )
    expect(graph.fresh('Exp')).not.toBe('Exp_1')
  })
})
