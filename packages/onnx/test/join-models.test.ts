/** Several files as one model: each gives what it gives alone, and what they read of a file beside them is there once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { customOp, Graph, joinModels, op, parse, serialize, type JoinedModel } from '@evolmm/onnx'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-join-'))
  writeFileSync(
    join(folder, 'weights.bin'),
    Float32Array.from({ length: 12 }, (_, i) => Math.sin(i + 1)),
  )
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** Two matrices [3, 2]; the second is stored as what it is not, so that it needs a cast. */
const weight = (graph: Graph, name: string, at = 0) =>
  graph.initializer(name, {
    ...{ dtype: 'float32', dims: [3, 2], location: 'weights.bin' },
    ...{ offset: 24 * at, length: 24 },
  })

/** A loop that multiplies with a weight, what came in as it came, and a vector of a fixed length. */
function looping(): Graph {
  const graph = new Graph('looping')
  const x = graph.input('x', 'float32', ['n', 2])
  const shift = graph.input('shift', 'float32', [3])
  const w = weight(graph, 'w')
  const wide = op.Cast(w, { to: 'float64' })
  const [y] = op.Loop({ trips: graph.constant('int64', [], [3]), carried: [x] }, (_, carried) => ({
    carried: [op.MatMul(op.Add(op.Gemm(carried, w, undefined, { transB: 1 }), shift), w)],
  }))
  graph.output('y', y)
  graph.output('given', op.Identity(x))
  graph.output('sum', op.ReduceSum(op.MatMul(wide, op.Transpose(wide)), undefined, { keepdims: 0 }))
  return graph
}

/** The same names for other things. */
function plain(): Graph {
  const graph = new Graph('plain')
  const x = graph.input('x', 'float32', ['n'])
  const w = weight(graph, 'v')
  const other = weight(graph, 'w', 1)
  const wide = op.Cast(w, { to: 'float64' })
  graph.output('y', op.Mul(op.MatMul(op.Add(w, other), x), graph.constant('float32', [1], [0.3])))
  graph.output('shape', op.Shape(x))
  graph.output('wide', op.Mul(wide, 2))
  return graph
}

const files = new Map([looping(), plain()].map((graph) => [graph.name, serialize(graph, { flat: true })]))
const feeds = {
  looping: {
    x: new OrtTensor('float32', Float32Array.of(1, -2, 0.5, 3), [2, 2]),
    shift: new OrtTensor('float32', Float32Array.of(0.1, 0.2, 0.3), [3]),
  },
  plain: { x: new OrtTensor('float32', Float32Array.of(0.7, -0.4), [2]) },
}

const open = (bytes: Uint8Array) =>
  InferenceSession.create(bytes, {
    logSeverityLevel: 3,
    extra: { session: { model_external_initializers_file_folder_path: folder } },
  })

/** Runs one part; the others are given nothing. */
async function runPart({ bytes, parts }: JoinedModel, part: keyof typeof feeds) {
  const session = await open(bytes)
  const given: Record<string, OrtTensor> = {}
  for (const [name, { runs, inputs }] of parts) {
    given[runs] = new OrtTensor('bool', Uint8Array.of(Number(name === part)), [])
    for (const [own, input] of inputs)
      given[input.name] =
        name === part
          ? feeds[part][own as 'x']
          : new OrtTensor('float32', new Float32Array(0), Array<number>(input.rank).fill(0))
  }
  const results = await session.run(given)
  return (name: string) =>
    Object.fromEntries([...(parts.get(name)?.outputs ?? [])].map(([own, joined]) => [own, results[joined]]))
}

const values = (results: Record<string, OrtTensor>) =>
  Object.fromEntries(
    Object.entries(results).map(([name, { dims, data, type }]) => [name, { dims, data, type }]),
  )

test.each(['looping', 'plain'] as const)('%s gives what it gives alone, the other nothing', async (name) => {
  const alone = await (await open(files.get(name) ?? new Uint8Array())).run(feeds[name])
  const joined = joinModels(files)
  const results = await runPart(joined, name)
  expect(values(results(name))).toEqual(values(alone))
  const other = name === 'plain' ? 'looping' : 'plain'
  const empty = Object.values(results(other)).filter(({ dims }) => dims.length > 0)
  expect(empty.length).toBeGreaterThan(0)
  expect(empty.every(({ size }) => size === 0)).toBe(true)
})

test('a weight in a file is there once, and what a change of type makes of it', () => {
  const { body } = parse(joinModels(files).bytes)
  const placed = body.initializers.map(({ data }) => data && 'offset' in data && data.offset)
  expect(placed.filter((offset) => offset !== undefined && offset !== false)).toEqual([0, 24])
  expect(body.nodes.map(({ opType }) => opType)).toEqual(['Cast', 'If', 'If'])
})

test('a weight at the same place with another shape is another', () => {
  const graph = new Graph('turned')
  const dims = [2, 3]
  const w = graph.initializer('w', { dtype: 'float32', dims, location: 'weights.bin', offset: 0, length: 24 })
  graph.output('y', op.Mul(w, graph.input('x', 'float32', [])))
  const joined = joinModels(new Map([...files, ['turned', serialize(graph, { flat: true })]]))
  expect(parse(joined.bytes).body.initializers.map(({ shape }) => shape)).toEqual([
    [3, 2],
    [3, 2],
    [2, 3],
  ])
})

test('a file with functions, and one of another operator set, are refused', () => {
  const twice = customOp({ name: 'Twice', forward: (x) => [op.Mul(x, 2)], backward: () => [] })
  const calling = new Graph('calling')
  calling.output('y', twice(calling.input('x', 'float32', ['n']))[0])
  const refused = (file: Uint8Array) => () => joinModels(new Map([...files, ['other', file]]))
  expect(refused(serialize(calling))).toThrow(
    expect.objectContaining({
      code: 'UNSUPPORTED_MODEL',
      message: expect.stringMatching(/"other" must be .* without functions, got 1; serialize it/) as string,
    }) as Error,
  )
  const older = new Graph('older', { opset: 18 })
  older.output('y', op.Identity(older.input('x', 'float32', ['n'])))
  expect(refused(serialize(older))).toThrow(
    expect.objectContaining({
      code: 'OPSET',
      message: expect.stringMatching(
        /"other" must have operator set 21 .*, got 18; make all of one/,
      ) as string,
    }) as Error,
  )
  expect(refused(new Uint8Array([1, 2, 3]))).toThrow(
    expect.objectContaining({ code: 'INVALID_MODEL' }) as Error,
  )
})
