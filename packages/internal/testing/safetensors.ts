/** `.safetensors` files by hand, right or wrong, without the code under test. */
import { readFile, writeFile } from 'node:fs/promises'

export interface RawTensor {
  dtype: string
  shape: readonly number[]
  data: Uint8Array
}

/** Header entries and bytes of a sound file. */
export async function readRaw(file: string): Promise<Map<string, RawTensor>> {
  const bytes = await readFile(file)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    RawTensor & { data_offsets: [number, number] }
  >
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [from, to],
          },
        ]) => [
          name,
          { dtype, shape, data: new Uint8Array(bytes.subarray(8 + length + from, 8 + length + to)) },
        ],
      ),
  )
}

/** Writes tensors one after the other. */
export async function writeRaw(file: string, tensors: ReadonlyMap<string, RawTensor>): Promise<void> {
  let end = 0
  const header = Object.fromEntries(
    [...tensors].map(([name, { dtype, shape, data }]) => {
      const start = end
      end += data.length
      return [name, { dtype, shape, data_offsets: [start, end] }]
    }),
  )
  await writeHeader(file, header, Buffer.concat([...tensors.values()].map(({ data }) => data)))
}

/** Writes a header as it is, true or not. */
export async function writeHeader(file: string, header: unknown, data: Uint8Array): Promise<void> {
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  await writeFile(file, Buffer.concat([length, json, data]))
}

/** Float32 values of raw bytes. */
export function floats(data: Uint8Array): Float32Array {
  return new Float32Array(data.slice().buffer)
}

/** The entry of this name, which must be there. */
export function take<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name)
  if (value === undefined) throw new Error(`no ${name}`)
  return value
}
