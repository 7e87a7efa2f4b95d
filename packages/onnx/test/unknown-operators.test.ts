/** Operators of files that this package has no rule for: what is declared of their results stays, what is guessed is not written. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { describe as suite, expect, test } from 'vitest'
import { describe, differentiate, parse, serialize } from '@evolmm/onnx'
import { ModelProtoSchema, type ModelProto } from '../src/proto/gen/onnx_pb'

type Fields = Record<string, unknown>
const type = (elemType: number, ...dims: number[]) => ({
  tensorType: {
    elemType,
    shape: { dim: dims.map((dim) => ({ value: { case: 'dimValue', value: BigInt(dim) } })) },
  },
})
const node = (opType: string, input: string[], output: string[], attribute: Fields[] = [], domain = '') => ({
  opType,
  input,
  output,
  attribute,
  domain,
})
const cast = (from: string, to: string) => node('Cast', [from], [to], [{ name: 'to', type: 2, i: 1n }])
const quantize = node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z'])

/** A model x [4] → y, whose types nobody declares unless `graph` does. */
function model(nodes: Fields[], graph: Fields = {}, rest: Fields = {}): Uint8Array {
  const init = {
    irVersion: 10n,
    opsetImport: ['', 'com.microsoft', 'f'].map((domain) => ({ domain, version: domain === '' ? 21n : 1n })),
    graph: {
      name: 'g',
      node: nodes,
      input: [{ name: 'x', type: type(1, 4) }],
      output: [{ name: 'y' }],
      ...graph,
    },
    ...rest,
  }
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, init as never))
}

async function run(bytes: Uint8Array, dims = [4]): Promise<Record<string, unknown>> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 })
  const results = await session.run({ x: new OrtTensor('float32', Float32Array.of(1, -2, 3.5, 0.25), dims) })
  return Object.fromEntries(
    Object.entries(results).map(([name, value]) => [
      name,
      [value.type, value.dims, [...(value.data as Uint8Array)]],
    ]),
  )
}

const branch = (name: string, nodes: Fields[], output: string) => ({
  name,
  type: 5,
  g: { name, node: nodes, output: [{ name: output }] },
})
const pool = node('MaxPool', ['x'], ['m', 'i'], [{ name: 'kernel_shape', type: 7, ints: [2n] }])

suite('a file in which nothing is declared runs as before when it is written again', () => {
  const cases: Record<string, [nodes: Fields[], graph?: Fields, dims?: number[]]> = {
    'quantised and back': [[quantize, node('DequantizeLinear', ['q', 's', 'z'], ['y'])]],
    'an output that no rule knows': [[quantize], { output: [{ name: 'q' }, { name: 'z' }] }],
    'known operators after it': [
      [quantize, node('Identity', ['q'], ['r']), node('Reshape', ['r', 'shape'], ['y'])],
      { initializer: [{ name: 'shape', dataType: 7, dims: [2n], int64Data: [2n, 2n] }] },
    ],
    'known operators after it, with a constant of its true type': [
      [quantize, node('Mul', ['z', 'two'], ['a']), cast('a', 'y')],
      { initializer: [{ name: 'two', dataType: 2, dims: [], int32Data: [2] }] },
    ],
    'in the branches of an If': [
      [
        node('ReduceSum', ['x'], ['t'], [{ name: 'keepdims', type: 2, i: 0n }]),
        node('Cast', ['t'], ['c'], [{ name: 'to', type: 2, i: 9n }]),
        node(
          'If',
          ['c'],
          ['y'],
          [
            branch('then_branch', [node('DynamicQuantizeLinear', ['x'], ['a', 'as', 'az'])], 'a'),
            branch('else_branch', [node('DynamicQuantizeLinear', ['x'], ['b', 'bs', 'bz'])], 'b'),
          ],
        ),
      ],
    ],
    'carried through a Loop': [
      [
        quantize,
        node(
          'Loop',
          ['trips', '', 'q'],
          ['y'],
          [
            {
              name: 'body',
              type: 5,
              g: {
                name: 'body',
                node: [node('Identity', ['go'], ['on']), node('Max', ['v', 'v'], ['w'])],
                input: [{ name: 'n', type: type(7) }, { name: 'go', type: type(9) }, { name: 'v' }],
                output: [{ name: 'on' }, { name: 'w' }],
              },
            },
          ],
        ),
      ],
      { initializer: [{ name: 'trips', dataType: 7, dims: [], int64Data: [2n] }] },
    ],
    'places of a pooling': [
      [pool, node('Add', ['i', 'i'], ['y'])],
      { input: [{ name: 'x', type: type(1, 1, 1, 4) }] },
      [1, 1, 4],
    ],
    'an operator of com.microsoft': [
      [
        node('QuickGelu', ['x'], ['g'], [{ name: 'alpha', type: 1, f: 1.5 }], 'com.microsoft'),
        node('Exp', ['g'], ['y']),
      ],
    ],
    'an operator of com.microsoft with many inputs': [
      [
        node('SkipSimplifiedLayerNormalization', ['x3', 'x3', 'w'], ['a', '', '', 'b'], [], 'com.microsoft'),
        node('Add', ['a', 'b'], ['y']),
      ],
      {
        input: [{ name: 'x', type: type(1, 4) }],
        initializer: [
          { name: 'w', dataType: 1, dims: [2n], floatData: [0.5, 2] },
          { name: 'shape', dataType: 7, dims: [3n], int64Data: [1n, 2n, 2n] },
        ],
        node: [
          node('Reshape', ['x', 'shape'], ['x3']),
          node(
            'SkipSimplifiedLayerNormalization',
            ['x3', 'x3', 'w'],
            ['a', '', '', 'b'],
            [],
            'com.microsoft',
          ),
          node('Add', ['a', 'b'], ['y']),
        ],
      },
    ],
  }
  test.each(Object.entries(cases))('%s', async (_, [nodes, graph, dims]) => {
    const bytes = model(nodes, graph)
    const before = await run(bytes, dims)
    const again = parse(bytes)
    expect(await run(serialize(again), dims)).toEqual(before)
    expect(describe(parse(serialize(again)))).toBe(describe(again))
  })
})

test('types that nobody says are shown as unknown', () => {
  const graph = parse(model([quantize, node('Identity', ['q'], ['r']), cast('r', 'y')]))
  expect(describe(graph).split('\n').slice(1, 4)).toEqual([
    '  q: ? [?], s: ? [?], z: ? [?] = DynamicQuantizeLinear(x)',
    '  r: ? [?] = Identity(q)',
    '  y: float32 [?] = Cast(r) {to=float32}',
  ])
})

suite('functions', () => {
  const functions = [
    {
      name: 'Quantize',
      domain: 'f',
      input: ['a'],
      output: ['b'],
      opsetImport: [{ version: 21n }],
      node: [node('DynamicQuantizeLinear', ['a'], ['b', 'bs', 'bz'])],
    },
  ]
  const calls = [node('Quantize', ['x'], ['h'], [], 'f'), cast('h', 'y')]
  const declared = { valueInfo: [{ name: 'h', type: type(2, 4) }] }

  test.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('run as before, inlined %s, declared %s', async (inlineFunctions, isDeclared) => {
    const bytes = model(calls, isDeclared ? declared : {}, { functions })
    const parsed = parse(bytes, { inlineFunctions })
    expect(await run(serialize(parsed))).toEqual(await run(bytes))
    const h = parsed.body.nodes[0].outputs[0]
    if (isDeclared) expect(h).toMatchObject({ name: 'h', dtype: 'uint8', shape: [4] })
    expect(infos(serialize(parsed))).toEqual(isDeclared ? { h: [2, 4] } : {})
  })

  test('types declared within a function stay', async () => {
    const inner = [{ ...functions[0], valueInfo: [{ name: 'b', type: type(2, 4) }] }]
    const bytes = model(calls, {}, { functions: inner })
    const message = fromBinary(ModelProtoSchema, serialize(parse(bytes)))
    expect(
      message.functions[0].valueInfo.map(({ name, type: t }) => [name, t?.tensorType?.elemType]),
    ).toEqual([['b', 2]])
    expect(await run(serialize(parse(bytes)))).toEqual(await run(bytes))
  })
})

/** Declared types of a file's main graph: element type, then lengths. */
function infos(bytes: Uint8Array): Record<string, number[]> {
  const { graph } = fromBinary(ModelProtoSchema, bytes) as ModelProto & {
    graph: NonNullable<ModelProto['graph']>
  }
  return Object.fromEntries(
    graph.valueInfo.map(({ name, type: t }) => [
      name,
      [
        t?.tensorType?.elemType ?? 0,
        ...(t?.tensorType?.shape?.dim ?? []).map((dim) => Number(dim.value.value)),
      ],
    ]),
  )
}

test('declared types stay through parsing, differentiating and writing, in copies of branches too', () => {
  const foreign = (output: string) => node('Foreign', ['k'], [output], [], 'f')
  const info = (name: string) => ({ name, type: type(6, 3) })
  const inBranch = (name: string) => ({
    name,
    type: 5,
    g: {
      name,
      node: [
        foreign(`${name}_f`),
        cast(`${name}_f`, `${name}_c`),
        node('ReduceSum', [`${name}_c`], [`${name}_r`]),
        node('Mul', ['x', `${name}_r`], [`${name}_y`]),
      ],
      output: [{ name: `${name}_y` }],
      valueInfo: [info(`${name}_f`)],
    },
  })
  const bytes = model(
    [
      foreign('h'),
      cast('h', 'hc'),
      node('If', ['c'], ['b'], [inBranch('then_branch'), inBranch('else_branch')]),
      node('ReduceSum', ['b'], ['sum'], [{ name: 'keepdims', type: 2, i: 0n }]),
    ],
    {
      input: [
        { name: 'x', type: type(1, 4) },
        { name: 'k', type: type(6, 3) },
        { name: 'c', type: type(9) },
      ],
      output: [{ name: 'sum', type: type(1) }],
      valueInfo: [info('h')],
    },
  )
  expect(infos(serialize(parse(bytes)))).toEqual({ h: [6, 3] })
  const message = fromBinary(ModelProtoSchema, differentiate(bytes, { loss: 'sum', wrt: ['x'] }))
  const branches = (message.graph?.node ?? []).flatMap(({ attribute }) =>
    attribute.flatMap(({ g }) => (g ? [g] : [])),
  )
  expect(branches).toHaveLength(4)
  for (const { valueInfo } of branches)
    expect(valueInfo.map(({ type: t }) => t?.tensorType?.elemType)).toEqual([6])
})
