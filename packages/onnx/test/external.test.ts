import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  checkExternalData,
  externalData,
  Graph,
  op,
  parse,
  serialize,
  tensorData,
  type DType,
  type ExternalFiles,
} from '@evolmm/onnx'
import { openSafetensors, type SafetensorsSource } from '@evolmm/safetensors'

const open = async (source: SafetensorsSource) => externalData((await openSafetensors(source)).values())

let root: string
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'evolmm-safetensors-')))
})
afterAll(() => {
  rmSync(root, { recursive: true })
})

interface Part {
  dtype: string
  shape: number[]
  bytes: Uint8Array
}

/** A `.safetensors` file; the header is not padded, so that data starts where it may. */
function file(tensors: Record<string, Part>): Uint8Array {
  let offset = 0
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
      const start = offset
      offset += bytes.length
      return [name, { dtype, shape, data_offsets: [start, offset] }]
    }),
  )
  return raw(
    JSON.stringify({ __metadata__: { format: 'pt' }, ...header }),
    ...Object.values(tensors).map((part) => part.bytes),
  )
}

function raw(json: string, ...data: Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(json)
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true)
  return new Uint8Array(Buffer.concat([length, text, ...data]))
}

const part = (code: string, dtype: DType, shape: number[], values: number[]): Part => ({
  dtype: code,
  shape,
  bytes: tensorData(dtype, shape, values).bytes,
})

// One odd byte before the floats puts every one of them at an unaligned offset.
const first = { pad: part('U8', 'uint8', [1], [9]), w: part('F32', 'float32', [2, 3], [1, 2, 3, 4, 5, 6.5]) }
const second = {
  pad2: part('I8', 'int8', [3], [1, 2, 3]),
  h: part('F16', 'float16', [3], [0.5, -2, 8]),
  b: part('BF16', 'bfloat16', [3], [1.5, -4, 0.25]),
}

/** x · wᵀ… : uses the three float weights, the 16-bit ones after a Cast. */
async function result({ folder, tensors }: ExternalFiles): Promise<number[]> {
  const graph = new Graph('weights')
  const x = graph.input('x', 'float32', [1, 2])
  const weight = (name: string) => {
    const data = tensors.get(name)
    if (data === undefined) throw new Error(`no ${name}`)
    return graph.initializer(name, data)
  }
  const product = op.MatMul(x, weight('w'))
  const scaled = op.Mul(product, op.Cast(weight('h'), { to: 'float32' }))
  graph.output('y', op.Add(scaled, op.Cast(weight('b'), { to: 'float32' })))
  const bytes = serialize(graph)
  await checkExternalData(parse(bytes), folder)
  const session = await InferenceSession.create(bytes, {
    logSeverityLevel: 3,
    extra: { session: { model_external_initializers_file_folder_path: folder } },
  })
  const { y } = await session.run({ x: new OrtTensor('float32', Float32Array.of(1, 10), [1, 2]) })
  return [...(y.data as Float32Array)]
}
// [41, 52, 68] times [0.5, -2, 8] plus [1.5, -4, 0.25], by hand.
const expected = [22, -108, 544.25]

test('a session reads weights from two shards, unaligned', async () => {
  const folder = join(root, 'plain')
  mkdirSync(join(folder, 'more'), { recursive: true })
  writeFileSync(join(folder, 'a.safetensors'), file(first))
  writeFileSync(join(folder, 'more/b.safetensors'), file(second))
  const data = await open({
    files: [join(folder, 'a.safetensors'), join(folder, 'more/b.safetensors')],
  })
  expect(data.folder).toBe(folder)
  const w = data.tensors.get('w')
  expect(w).toMatchObject({ dtype: 'float32', dims: [2, 3], location: 'a.safetensors', length: 24 })
  expect((w?.offset ?? 0) % 4).not.toBe(0)
  expect(data.tensors.get('h')?.location).toBe('more/b.safetensors')
  expect(await result(data)).toEqual(expected)
})

test.each([true, false])(
  'and through the links of a Hugging Face cache, with an index: %s',
  async (index) => {
    const repository = join(root, `models--org--name-${index}`)
    const snapshot = join(repository, 'snapshots/0123abcd')
    mkdirSync(snapshot, { recursive: true })
    mkdirSync(join(repository, 'blobs'))
    const link = (name: string, blob: string, contents: Uint8Array | string) => {
      writeFileSync(join(repository, 'blobs', blob), contents)
      symlinkSync(join('../../blobs', blob), join(snapshot, name))
    }
    link('model-00001-of-00002.safetensors', 'aaaa', file(first))
    link('model-00002-of-00002.safetensors', 'bbbb', file(second))
    if (index) {
      const shard = (n: number) => `model-0000${n}-of-00002.safetensors`
      const weight_map = { w: shard(1), pad: shard(1), pad2: shard(2), h: shard(2), b: shard(2) }
      link('model.safetensors.index.json', 'cccc', JSON.stringify({ metadata: {}, weight_map }))
      // Not listed: must not be read.
      writeFileSync(join(snapshot, 'other.safetensors'), 'broken')
    }
    const data = await open({ folder: snapshot })
    expect(data.folder).toBe(join(repository, 'blobs'))
    expect([...data.tensors.values()].map(({ location }) => location)).toEqual([
      'aaaa',
      'aaaa',
      'bbbb',
      'bbbb',
      'bbbb',
    ])
    expect(await result(data)).toEqual(expected)
  },
)

test('files that no runtime would find are refused', async () => {
  const tensor = { name: 'w', dtype: 'float32' as const, shape: [1], offset: 0, bytes: 4 }
  const at = (...files: string[]) => externalData(files.map((file) => ({ ...tensor, file })))
  await expect(at('/models/a\\b.safetensors')).rejects.toMatchObject({ code: 'DATA_LOCATION' })
  await expect(at('models/a', 'other/b')).rejects.toMatchObject({ code: 'NO_COMMON_FOLDER' })
  expect((await at('/models/a', '/other/b')).folder).toBe('/')
  expect(await at()).toEqual({ folder: '', tensors: new Map() })
})
