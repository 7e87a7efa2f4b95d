/** Initializers by name: read, and written back into the file that they came from. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { afterAll, describe, expect, test } from 'vitest'
import {
  EvolmmError,
  Graph,
  op,
  readExternalData,
  readInitializer,
  serialize,
  tensorData,
  tensorValues,
  writeInitializers,
  type ExternalData,
  type TensorData,
} from '@evolmm/onnx'
import { ModelProtoSchema } from '../src/proto/gen/onnx_pb'
import { model } from './support/broken-model'

const folder = mkdtempSync(join(tmpdir(), 'evolmm-initializers-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const place: ExternalData = { dtype: 'float32', dims: [2], location: 'weights.bin', offset: 4, length: 8 }
writeFileSync(join(folder, 'weights.bin'), new Uint8Array(Float32Array.of(9, 10, 20).buffer))

/** `y = inside * x + beside`, of two numbers; `beside` lies in weights.bin. */
function given(): Uint8Array {
  const graph = new Graph('given')
  const x = graph.input('x', 'float32', [2])
  const inside = graph.initializer('inside', tensorData('float32', [2], [3, 4]))
  graph.output('y', op.Add(op.Mul(inside, x), graph.initializer('beside', place)))
  return serialize(graph)
}

async function run(bytes: Uint8Array): Promise<number[]> {
  const options = { extra: { session: { model_external_initializers_file_folder_path: folder } } }
  const session = await InferenceSession.create(bytes, options)
  const { y } = await session.run({ x: new OrtTensor('float32', Float32Array.of(1, 2), [2]) })
  return Array.from(y.data as Float32Array)
}

const row = (...values: number[]): TensorData => tensorData('float32', [values.length], values)

test('inline contents are those of the model', () => {
  const data = readInitializer(given(), 'inside')
  expect(data).toMatchObject({ dtype: 'float32', dims: [2] })
  expect([...tensorValues(data)]).toEqual([3, 4])
})

test('contents that a file gives as a list of numbers are read too', () => {
  const bytes = model({ initializer: [{ name: 'w', dataType: 7, dims: [2n], int64Data: [5n, -6n] }] })
  expect([...tensorValues(readInitializer(bytes, 'w'))]).toEqual([5n, -6n])
})

test('contents in a file beside the model are a place, and can be read from there', async () => {
  const data = readInitializer(given(), 'beside')
  expect(data).toEqual(place)
  const read = await readExternalData(data, folder)
  expect([...tensorValues(read)]).toEqual([10, 20])
  expect(await readExternalData(read, folder)).toBe(read)
})

test('the model runs with what was written, inside it and beside it', async () => {
  const bytes = given()
  const before = Uint8Array.from(bytes)
  expect(await run(bytes)).toEqual([13, 28])
  expect(await run(writeInitializers(bytes, { inside: row(5, 6) }))).toEqual([15, 32])
  const inline = writeInitializers(bytes, { inside: row(5, 6), beside: row(1, 2) })
  expect(await run(inline)).toEqual([6, 14])
  expect(await run(writeInitializers(inline, { beside: { ...place, offset: 0 } }))).toEqual([14, 22])
  expect(bytes).toEqual(before)
})

test('nothing else of the file changes: not its operator set, its texts, nor what is unknown in it', () => {
  const initializer = { name: 'w', docString: 'of w', dataType: 1, dims: [1n], floatData: [1] }
  const bytes = model(
    { initializer: [initializer, { ...initializer, name: 'v' }], docString: 'of the graph' },
    { irVersion: 7n, opsetImport: [{ domain: '', version: 13n }], producerName: 'somebody' },
  )
  // A field with a number that ONNX does not have, in the model.
  const extended = new Uint8Array([...bytes, 0xfa, 0x3f, 1, 65])
  const written = fromBinary(ModelProtoSchema, writeInitializers(extended, { w: row(2) }))
  const expected = fromBinary(ModelProtoSchema, extended)
  const [w, expectedW] = [written.graph?.initializer[0], expected.graph?.initializer[0]]
  expect(w).toMatchObject({ name: 'w', docString: 'of w', dataType: 1, dims: [1n], floatData: [] })
  if (expectedW === undefined || w === undefined) throw new Error('no initializer')
  Object.assign(expectedW, { floatData: [], rawData: w.rawData })
  expect(written).toEqual(expected)
  expect(written.$unknown).toHaveLength(1)
})

describe('what is refused, and why', () => {
  const write = (contents: unknown) => () =>
    writeInitializers(given(), contents as Record<string, TensorData>)
  const refused: [string, () => unknown, string, string][] = [
    [
      'a name that the model lacks',
      () => readInitializer(given(), 'x'),
      'UNKNOWN_NAME',
      'there are: "inside", "beside"',
    ],
    ['no name', () => readInitializer(given(), undefined as never), 'UNKNOWN_NAME', 'got undefined'],
    ['a name of Object', () => readInitializer(given(), 'constructor'), 'UNKNOWN_NAME', 'got "constructor"'],
    [
      'bytes that are no model',
      () => readInitializer(Uint8Array.of(1, 2, 3), 'w'),
      'INVALID_MODEL',
      'got 3 bytes',
    ],
    ['writing a name that the model lacks', write({ w: row(1) }), 'UNKNOWN_NAME', 'got "w"'],
    ['another type', write({ inside: tensorData('float64', [2], [1, 2]) }), 'DATA_TYPE', 'must be float32'],
    [
      'another shape',
      write({ inside: tensorData('float32', [2, 1], [1, 2]) }),
      'SHAPE_MISMATCH',
      'got [2, 1]',
    ],
    ['another length', write({ inside: row(1, 2, 3) }), 'SHAPE_MISMATCH', 'got [3]'],
    [
      'bytes that are too few',
      write({ inside: { dtype: 'float32', dims: [2], bytes: new Uint8Array(4) } }),
      'DATA_SIZE',
      'must be 8 bytes',
    ],
    ['numbers alone', write({ inside: Float32Array.of(1, 2) }), 'DATA_TYPE', 'make them with tensorData'],
    [
      'a place above the model',
      write({ beside: { ...place, location: '../w' } }),
      'DATA_LOCATION',
      'above the folder',
    ],
    ['a place before the file', write({ beside: { ...place, offset: -1 } }), 'DATA_LOCATION', 'offset'],
    ['contents that are none', write(undefined), 'INVALID_OPTION', 'got undefined'],
    ['a map', write(new Map([['inside', row(1, 2)]])), 'INVALID_OPTION', 'an object from names'],
  ]

  test.each(refused)('%s', (_, act, code, text) => {
    expect(act).toThrow(EvolmmError)
    expect(act).toThrow(expect.objectContaining({ code, message: expect.stringContaining(text) as string }))
  })

  const misplaced: [string, unknown, string][] = [
    ['a file that is not there', { ...place, location: 'other.bin' }, 'INVALID_MODEL'],
    ['a file that is too short', { ...place, offset: 8 }, 'INVALID_MODEL'],
    ['a link out of the folder', { ...place, location: 'link' }, 'INVALID_MODEL'],
    ['a place above the folder', { ...place, location: '../x' }, 'DATA_LOCATION'],
    ['a length that is not that of the shape', { ...place, length: 4 }, 'DATA_SIZE'],
    ['no data', undefined, 'INVALID_OPTION'],
  ]

  test.each(misplaced)('reading %s', async (_, data, code) => {
    symlinkSync('/etc/hostname', join(folder, 'link'))
    try {
      await expect(readExternalData(data as TensorData, folder)).rejects.toMatchObject({ code })
    } finally {
      rmSync(join(folder, 'link'))
    }
  })
})
