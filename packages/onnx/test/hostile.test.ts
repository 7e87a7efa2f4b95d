/** Whatever the bytes are: a graph, or an EvolmmError. Never another error, a hang or a huge allocation. */
import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkExternalData, EvolmmError, Graph, op, parse, serialize } from '@evolmm/onnx'
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataLocation,
  type GraphProto,
} from '../src/proto/gen/onnx_pb'
import { everything } from './support/everything'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Init objects of messages. */
type Init = Parameters<typeof create<typeof ModelProtoSchema>>[1]
type GraphInit = NonNullable<NonNullable<Init>['graph']>

const float = (...dims: (number | string)[]) => ({
  tensorType: {
    elemType: 1,
    shape: {
      dim: dims.map((dim) => ({
        value:
          typeof dim === 'number'
            ? ({ case: 'dimValue', value: BigInt(dim) } as const)
            : ({ case: 'dimParam', value: dim } as const),
      })),
    },
  },
})

/** A model x → y around `graph`, with parts replaced. */
function model(graph: Record<string, unknown>, rest: Record<string, unknown> = {}): Uint8Array {
  const sound: GraphInit = {
    name: 'g',
    input: [{ name: 'x', type: float(2) }],
    output: [{ name: 'y', type: float(2) }],
    node: [{ opType: 'Exp', input: ['x'], output: ['y'] }],
  }
  const init = {
    irVersion: 10n,
    opsetImport: [{ domain: '', version: 21n }],
    graph: { ...sound, ...graph },
    ...rest,
  } as Init
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, init))
}

const node = (opType: string, input: string[], output: string[], attribute: object[] = [], domain = '') => ({
  opType,
  input,
  output,
  attribute,
  domain,
})
const tensor = (fields: Record<string, unknown>) => ({ name: 'w', dataType: 1, dims: [2n], ...fields })
const external = (location: string, more: Record<string, string> = {}) =>
  tensor({
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries({ location, ...more }).map(([key, value]) => ({ key, value })),
  })

function refusal(bytes: Uint8Array): EvolmmError {
  try {
    parse(bytes)
  } catch (error) {
    if (error instanceof EvolmmError) return error
    throw error
  }
  throw new Error('parsed')
}

test('the model that the cases below break is sound', () => {
  expect(parse(model({})).body.outputs[0].shape).toEqual([2])
})

const y = [node('Exp', ['x'], ['y'])]
const broken: Record<string, [Uint8Array, RegExp]> = {
  'no bytes': [new Uint8Array(), /must have a graph/],
  text: [new TextEncoder().encode('# A model\n\nThis is not one.\n'), /must be an ONNX file/],
  'no graph': [model({}, { graph: undefined }), /must have a graph/],
  'no operator set': [model({}, { opsetImport: [] }), /must import the standard operators/],
  'no IR version': [model({}, { irVersion: 0n }), /IR version/],
  'one operator set twice': [
    model(
      {},
      {
        opsetImport: [
          { domain: '', version: 21n },
          { domain: 'ai.onnx', version: 20n },
        ],
      },
    ),
    /each operator set once/,
  ],
  'a cycle': [
    model({ node: [node('Add', ['x', 'b'], ['a']), node('Exp', ['a'], ['b']), node('Neg', ['b'], ['y'])] }),
    /value "b" must be made before it is used/,
  ],
  'a node that feeds itself': [
    model({ node: [node('Add', ['x', 'y'], ['y'])] }),
    /value "y" must be made before/,
  ],
  'nodes out of order': [
    model({ node: [node('Neg', ['a'], ['y']), node('Exp', ['x'], ['a'])] }),
    /value "a" must be made before/,
  ],
  'a missing input': [model({ node: [node('Exp', ['z'], ['y'])] }), /value "z" must be an input/],
  'a missing output': [model({ output: [{ name: 'q', type: float(2) }] }), /value "q" must be/],
  'an empty output': [model({ output: [{ name: '', type: float(2) }] }), /must be a value/],
  'one result twice': [model({ node: [...y, ...y] }), /"y"/],
  'a result named like an input': [model({ node: [node('Exp', ['x'], ['x']), ...y] }), /"x"/],
  'one input twice': [
    model({
      input: [
        { name: 'x', type: float(2) },
        { name: 'x', type: float(2) },
      ],
    }),
    /"x"/,
  ],
  'one output twice': [model({ output: [{ name: 'y' }, { name: 'y' }] }), /declared once/],
  'one constant twice': [
    model({ initializer: [tensor({}), tensor({})] }),
    /constants must have different names/,
  ],
  'an input without a type': [model({ input: [{ name: 'x' }] }), /must have a type/],
  'a negative length of an input': [model({ input: [{ name: 'x', type: float(-1) }] }), /0 or more/],
  'an unknown element type of an input': [
    model({ input: [{ name: 'x', type: { tensorType: { elemType: 77 } } }] }),
    /element type.*77/,
  ],
  'no operator': [model({ node: [node('', ['x'], ['y'])] }), /must have an operator/],
  'a negative dimension': [model({ initializer: [tensor({ dims: [-2n] })] }), /0 or more/],
  'an absurd dimension': [model({ initializer: [tensor({ dims: [2n ** 62n] })] }), /below 2\^53/],
  'an absurd product': [
    model({ initializer: [tensor({ dims: [2n ** 40n, 2n ** 40n], rawData: new Uint8Array(8) })] }),
    /sensible product/,
  ],
  'more elements than bytes': [
    model({ initializer: [tensor({ dims: [2n ** 40n], rawData: new Uint8Array(8) })] }),
    /must hold 4398046511104 bytes/,
  ],
  'too few bytes': [model({ initializer: [tensor({ rawData: new Uint8Array(7) })] }), /must hold 8 bytes/],
  'too few numbers': [model({ initializer: [tensor({ floatData: [1] })] }), /2 values in floatData/],
  'numbers in a list of another type': [
    model({ initializer: [tensor({ int64Data: [1n, 2n] })] }),
    /2 values in floatData/,
  ],
  'an unknown element type': [model({ initializer: [tensor({ dataType: 99 })] }), /element type.*99/],
  'an attribute of another type': [
    model({
      node: [node('Softmax', ['x'], ['y'], [{ name: 'axis', type: Kind.FLOAT, f: 0 }])],
    }),
    /axis must be of type int/,
  ],
  'an attribute without a type': [
    model({ node: [node('Exp', ['x'], ['y'], [{ name: 'a' }])] }),
    /must have a type/,
  ],
  'an attribute twice': [
    model({
      node: [
        node(
          'Exp',
          ['x'],
          ['y'],
          Array.from({ length: 2 }, () => ({ name: 'a', type: Kind.INT })),
        ),
      ],
    }),
    /"a" twice/,
  ],
  'an attribute that is a graph, without one': [
    model({ node: [node('If', ['x'], ['y'], [{ name: 'then_branch', type: Kind.GRAPH }])] }),
    /must hold a graph/,
  ],
  'a parameter outside of functions': [
    model({ node: [node('Elu', ['x'], ['y'], [{ name: 'alpha', type: Kind.FLOAT, refAttrName: 'a' }])] }),
    /only within a function/,
  ],
  'text that is not UTF-8': [
    model({ node: [node('Exp', ['x'], ['y'], [{ name: 'a', type: Kind.STRING, s: Uint8Array.of(0xff) }])] }),
    /UTF-8/,
  ],
  'shapes that cannot be': [
    model({
      node: [node('Add', ['x', 'w'], ['y'])],
      initializer: [tensor({ dims: [3n], floatData: [1, 2, 3] })],
    }),
    /shapes must broadcast/,
  ],
  'a function that calls itself': [
    model(
      { node: [node('F', ['x'], ['y'], [], 'f')] },
      {
        functions: [
          { name: 'F', domain: 'f', input: ['a'], output: ['b'], node: [node('F', ['a'], ['b'], [], 'f')] },
        ],
      },
    ),
    /must not call itself/,
  ],
  'a function defined twice': [
    model({}, { functions: Array.from({ length: 2 }, () => ({ name: 'F', domain: 'f' })) }),
    /defined once/,
  ],
  'a function called with too much': [
    model({ node: [node('F', ['x'], ['y'], [], 'f')] }, { functions: [{ name: 'F', domain: 'f' }] }),
    /called with up to 0 inputs/,
  ],
  'a function without its result': [
    model(
      { node: [node('F', ['x'], ['y'], [], 'f')] },
      { functions: [{ name: 'F', domain: 'f', input: ['a'], output: ['b'] }] },
    ),
    /"b" must be a value/,
  ],
  'an operator named like an inherited property': [
    // Parses, as any unknown operator; its output has no output declared of another type.
    model({ node: [node('constructor', ['x'], ['y']), node('Exp', ['nowhere'], ['z'])] }),
    /"nowhere"/,
  ],
  'external data without a file': [model({ initializer: [external('')] }), /must be named/],
  'external data at an absolute path': [model({ initializer: [external('/etc/passwd')] }), /relative path/],
  'external data on a drive': [model({ initializer: [external('C:w.bin')] }), /relative path/],
  'external data above': [model({ initializer: [external('a/../../w.bin')] }), /above the folder/],
  'external data with backslashes': [model({ initializer: [external('a\\w.bin')] }), /forward slashes/],
  'external data with a negative offset': [
    model({ initializer: [external('w.bin', { offset: '-1' })] }),
    /whole number of bytes/,
  ],
  'external data with an absurd offset': [
    model({ initializer: [external('w.bin', { offset: '99999999999999999999' })] }),
    /whole number of bytes/,
  ],
  'external data of another length': [
    model({ initializer: [external('w.bin', { length: '9' })] }),
    /must be 8 bytes/,
  ],
}

test.each(Object.entries(broken))('%s', (_, [bytes, message]) => {
  const error = refusal(bytes)
  expect(error.code).toBe('INVALID_MODEL')
  expect(error.message).toMatch(message)
})

const unsupported: Record<string, [Uint8Array, RegExp]> = {
  'an old operator set': [model({}, { opsetImport: [{ domain: '', version: 12n }] }), /13 or later, got 12/],
  'text constants': [
    model({ initializer: [tensor({ dataType: 8, stringData: [new Uint8Array(1), new Uint8Array(1)] })] }),
    /must be numeric/,
  ],
  'an attribute that lists tensors': [
    model({ node: [node('Exp', ['x'], ['y'], [{ name: 'a', type: Kind.TENSORS }])] }),
    /number, text, tensor, graph/,
  ],
}

test.each(Object.entries(unsupported))('%s is refused as unsupported', (_, [bytes, message]) => {
  const error = refusal(bytes)
  expect(error.code).toBe('UNSUPPORTED_MODEL')
  expect(error.message).toMatch(message)
})

describe('growth', () => {
  /** Bodies in bodies. */
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

test('files of external data: there, long enough, within the folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-hostile-'))
  const outside = mkdtempSync(join(tmpdir(), 'evolmm-outside-'))
  try {
    writeFileSync(join(outside, 'w.bin'), new Uint8Array(8))
    writeFileSync(join(folder, 'w.bin'), new Uint8Array(8))
    symlinkSync(join(outside, 'w.bin'), join(folder, 'link.bin'))
    symlinkSync('w.bin', join(folder, 'inner.bin'))
    const check = (location: string, offset = 0) =>
      checkExternalData(
        parse(model({ initializer: [external(location, { offset: String(offset) })] })),
        folder,
      )
    await check('w.bin')
    await check('inner.bin')
    await expect(check('w.bin', 1)).rejects.toThrow(/must have 9 bytes or more, got 8/)
    await expect(check('link.bin')).rejects.toThrow(/must be within .*, got a link/)
    await expect(check('none.bin')).rejects.toThrow(/must be there/)
    await expect(check('.')).rejects.toThrow(/must be a file/)
  } finally {
    rmSync(folder, { recursive: true })
    rmSync(outside, { recursive: true })
  }
})

describe('fuzzed', () => {
  const small = new Graph('small')
  small.output('y', op.Softmax(op.Reshape(small.input('x', 'float32', ['n', 4]), [2, -1])))
  const models = [serialize(everything()), serialize(small), model({ initializer: [external('w.bin')] })]
  const limit = 5000 // milliseconds a case: far above any real one, to catch what does not end

  function attempt(bytes: Uint8Array): void {
    const start = performance.now()
    try {
      const graph = parse(bytes)
      if (graph.body.outputs.length > 0) parse(serialize(graph))
    } catch (error) {
      if (!(error instanceof EvolmmError)) throw error
    }
    if (performance.now() - start > limit) throw new Error('too slow')
  }

  const one = fc.constantFrom(...models)
  const options = { seed: 3, numRuns: 1500 }

  test('flipped bytes', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(one, flips, (bytes, changes) => {
        const copy = bytes.slice()
        for (const [at, mask] of changes) copy[at % copy.length] ^= mask
        attempt(copy)
      }),
      options,
    )
  })

  test('cut short', () => {
    fc.assert(
      fc.property(one, fc.nat(), (bytes, at) => {
        attempt(bytes.slice(0, at % bytes.length))
      }),
      options,
    )
  })

  test('pieces put together', () => {
    fc.assert(
      fc.property(one, one, fc.nat(), fc.nat(), fc.nat(64), (a, b, i, j, length) => {
        const from = j % b.length
        attempt(
          Buffer.concat([a.slice(0, i % a.length), b.slice(from, from + length), a.slice(i % a.length)]),
        )
      }),
      options,
    )
  })

  test('random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), attempt), options)
  })

  test('fields of a sound message changed', () => {
    // Changes that leave the wire format whole go deeper than flipped bytes do.
    const numbers = fc.constantFrom(-1n, 0n, 1n, 2n ** 31n, 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n)
    fc.assert(
      fc.property(numbers, numbers, fc.integer({ min: -5, max: 30 }), fc.nat(3), (a, b, elemType, which) => {
        const ints = { name: 'axes', type: Kind.INTS, ints: [a, b] }
        const axis = { name: 'axis', type: Kind.INT, i: a }
        const opTypes = [
          node('Concat', ['x', 'w'], ['y'], [axis]),
          node('Transpose', ['x'], ['y'], [{ ...ints, name: 'perm' }]),
          node('Reshape', ['x', 'w'], ['y']),
          node('Slice', ['x', 'w', 'w', 'w'], ['y']),
        ]
        const initializer = [tensor({ dataType: 7, int64Data: [a, b] })]
        const input = [{ name: 'x', type: { tensorType: { ...float(2, 3).tensorType, elemType } } }]
        attempt(model({ node: [opTypes[which]], initializer, input }))
      }),
      options,
    )
  })
})
