/** Safetensors files by hand, right or wrong, and folders to put them in. */
import { createHash } from 'node:crypto'
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export interface RawTensor {
  dtype: string
  shape: readonly number[]
  data: Uint8Array
}

export const tinyFolder = join(import.meta.dirname, '../fixtures/qwen2_5_vl-tiny')

/** A folder that goes when the test is over. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'evolmm-vlm-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The tiny checkpoint's configuration and, if asked for, weights, in a folder of its own. */
export async function copyTiny(
  names: readonly string[] = ['config.json', 'model.safetensors'],
): Promise<string> {
  const folder = await makeFolder()
  for (const name of names) await copyFile(join(tinyFolder, name), join(folder, name))
  return folder
}

/** What a model folder of the tiny checkpoint holds. */
export async function checkpointFiles(): Promise<string[]> {
  const names = await readdir(tinyFolder)
  return names.filter(
    (name) => /\.(json|safetensors)$/.test(name) && !/^(reference|config\.nested)/.test(name),
  )
}

/** Header entries and bytes of a sound file, read without the code under test. */
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

/** What two files must agree in: type, shape and bytes of each tensor, whatever their order. */
export function contentOf(tensors: ReadonlyMap<string, RawTensor>): Record<string, unknown> {
  const hash = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')
  return Object.fromEntries(
    [...tensors].map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: hash(data) }]),
  )
}

/** Whether two arrays have the same bytes; much faster than comparing them value by value in a matcher. */
export function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  return bytesOf(a).equals(bytesOf(b))
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
