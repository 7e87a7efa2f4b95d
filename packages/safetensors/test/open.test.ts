import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EvolmmError, openSafetensors, type TensorType } from '../src/index'

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

const first = {
  pad: { dtype: 'U8', shape: [1], bytes: Uint8Array.of(9) },
  w: { dtype: 'F32', shape: [2, 3], bytes: new Uint8Array(24) },
}
const second = {
  h: { dtype: 'F16', shape: [3], bytes: new Uint8Array(6) },
  b: { dtype: 'BF16', shape: [3], bytes: new Uint8Array(6) },
}

test('every type of the format', async () => {
  const types: [string, TensorType, number][] = [
    ['F64', 'float64', 8],
    ['F32', 'float32', 4],
    ['F16', 'float16', 2],
    ['BF16', 'bfloat16', 2],
    ['I64', 'int64', 8],
    ['I32', 'int32', 4],
    ['I16', 'int16', 2],
    ['I8', 'int8', 1],
    ['U64', 'uint64', 8],
    ['U32', 'uint32', 4],
    ['U16', 'uint16', 2],
    ['U8', 'uint8', 1],
    ['BOOL', 'bool', 1],
  ]
  const path = join(root, 'types.safetensors')
  writeFileSync(
    path,
    file(
      Object.fromEntries(
        types.map(([code, , bytes]) => [code, { dtype: code, shape: [2], bytes: new Uint8Array(2 * bytes) }]),
      ),
    ),
  )
  const tensors = await openSafetensors({ files: [path] })
  for (const [code, dtype, bytes] of types)
    expect(tensors.get(code)).toMatchObject({ name: code, file: path, dtype, shape: [2], bytes: 2 * bytes })
})

const entry = (more: object = {}) => ({ dtype: 'U8', shape: [2], data_offsets: [0, 2], ...more })
const two = new Uint8Array(2)
const broken: Record<string, [Uint8Array, RegExp]> = {
  'an empty file': [new Uint8Array(), /header must end within/],
  'seven bytes': [new Uint8Array(7), /header must end within/],
  'a header beyond the file': [raw('{}').slice(0, 9), /header must end within/],
  'an endless header': [new Uint8Array(8).fill(255), /header must end within/],
  'no JSON': [raw('{"a":'), /must be JSON/],
  'bytes that are not text': [new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 255, 255]), /must be JSON/],
  'a list': [raw('[]'), /JSON object/],
  'a space before the object': [raw(' {}'), /JSON object/],
  'a key twice': [raw(`{"a":${JSON.stringify(entry())},"a":${JSON.stringify(entry())}}`, two), /"a" twice/],
  'a key twice, once escaped': [
    raw(`{"a":${JSON.stringify(entry())},"\\u0061":${JSON.stringify(entry())}}`, two),
    /"a" twice/,
  ],
  'a key twice within a tensor': [
    raw('{"a":{"dtype":"U8","dtype":"I8","shape":[2],"data_offsets":[0,2]}}', two),
    /"dtype" twice/,
  ],
  'metadata that is not text': [raw(JSON.stringify({ __metadata__: { a: 1 } })), /__metadata__/],
  'an unknown type': [raw(JSON.stringify({ a: entry({ dtype: 'F7' }) }), two), /types F64.*"F7"/],
  'a shape of fractions': [raw(JSON.stringify({ a: entry({ shape: [0.5] }) }), two), /whole numbers/],
  'a negative length': [raw(JSON.stringify({ a: entry({ shape: [-2] }) }), two), /whole numbers/],
  'one offset': [raw(JSON.stringify({ a: entry({ data_offsets: [0] }) }), two), /two offsets/],
  'offsets the wrong way': [
    raw(JSON.stringify({ a: entry({ data_offsets: [2, 0] }) }), two),
    /must be 2 bytes/,
  ],
  'offsets beyond the file': [
    raw(JSON.stringify({ a: entry({ data_offsets: [1, 3] }) }), two),
    /must be 2 bytes/,
  ],
  'a size that is not the shape’s': [
    raw(JSON.stringify({ a: entry({ shape: [1] }) }), two),
    /must be 1 bytes/,
  ],
  'an absurd shape': [
    raw(JSON.stringify({ a: entry({ shape: [2 ** 50, 2 ** 50] }) }), two),
    /must be 1.2.*e\+30 bytes/,
  ],
  'a further field': [raw(JSON.stringify({ a: entry({ strides: [1] }) }), two), /only dtype, shape/],
  'no object for a tensor': [raw(JSON.stringify({ a: 7 }), two), /must be an object/],
  'tensors that overlap': [
    raw(JSON.stringify({ a: entry(), b: entry({ data_offsets: [1, 3] }) }), two, two),
    /must not overlap/,
  ],
  'a gap': [
    raw(JSON.stringify({ a: entry(), b: entry({ data_offsets: [3, 5] }) }), two, two, two),
    /without a gap/,
  ],
  'bytes after the last tensor': [raw(JSON.stringify({ a: entry() }), two, two), /fill the file/],
}

describe('a file is refused for', () => {
  test.each(Object.entries(broken))('%s', async (_, [bytes, message]) => {
    const path = join(root, 'broken.safetensors')
    writeFileSync(path, bytes)
    const error: unknown = await openSafetensors({ files: [path] }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(EvolmmError)
    expect(error).toMatchObject({
      code: 'INVALID_SAFETENSORS',
      message: expect.stringMatching(message) as string,
    })
  })

  test('a key twice behind a text of 20 MB, which is read by itself', async () => {
    const path = join(root, 'long.safetensors')
    const note = `${'x'.repeat(20_000_000)}\\"{`
    const header = JSON.stringify({ __metadata__: { note }, a: entry() })
    writeFileSync(path, raw(header, two))
    expect([...(await openSafetensors({ files: [path] })).keys()]).toEqual(['a'])
    writeFileSync(path, raw(`${header.slice(0, -1)},"a":${JSON.stringify(entry())}}`, two))
    await expect(openSafetensors({ files: [path] })).rejects.toMatchObject({
      code: 'INVALID_SAFETENSORS',
      message: expect.stringContaining('"a" twice') as string,
    })
  })

  test('one tensor in two files', async () => {
    const paths = ['x', 'y'].map((name) => join(root, `${name}.safetensors`))
    for (const path of paths) writeFileSync(path, file(first))
    await expect(openSafetensors({ files: paths })).rejects.toThrow(/must be in one file/)
  })

  test('an index that leads out of the folder', async () => {
    const folder = join(root, 'index')
    mkdirSync(folder)
    writeFileSync(join(folder, 'model.safetensors.index.json'), '{"weight_map":{"a":"../x.safetensors"}}')
    await expect(openSafetensors({ folder })).rejects.toMatchObject({ code: 'INVALID_SAFETENSORS' })
  })

  test('no files', async () => {
    await expect(openSafetensors({ files: [] })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(openSafetensors({ files: [join(root, 'none')] })).rejects.toMatchObject({
      code: 'UNREADABLE_FILE',
    })
    mkdirSync(join(root, 'empty'))
    await expect(openSafetensors({ folder: join(root, 'empty') })).rejects.toMatchObject({ code: 'NO_FILES' })
  })

  sizedTest(
    'changed bytes in the header, or none of its tensors leaves the file',
    { files: [300, 1000, 20_000] },
    async ({ count, seed }) => {
      const good = file({ ...first, ...second })
      const path = join(root, 'fuzz.safetensors')
      await fc.assert(
        fc.asyncProperty(fc.nat(200), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
          const bytes = good.slice()
          bytes[at % bytes.length] ^= mask
          writeFileSync(path, bytes)
          try {
            for (const { offset, bytes: length } of (await openSafetensors({ files: [path] })).values())
              expect(offset + length).toBeLessThanOrEqual(bytes.length)
          } catch (error) {
            if (!(error instanceof EvolmmError)) throw error
          }
        }),
        { seed, numRuns: count },
      )
    },
  )
})
