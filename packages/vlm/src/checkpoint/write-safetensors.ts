/**
 * Writes a `.safetensors` file as a stream: the header from names and shapes, then the values piece by piece, rounded
 * to nearest even where the type is a 16-bit one. Whoever opens the file sees the old one or the whole new one.
 */
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { narrowHalf } from './half'
import type { WeightType } from './open-checkpoint'
import { asideOf, syncFolder, unwritable } from '@evolmm/internal/node'
import type { WeightSource } from './weight-source'

export interface WriteSafetensorsOptions {
  /** Type of the values in the file. @default 'float32' */
  dtype?: WeightType
  /** Texts for the header's `__metadata__`. @default { format: 'pt' } */
  metadata?: Readonly<Record<string, string>>
  /** The first tensor begins at a multiple of this many bytes. @default 8, as other writers do */
  alignment?: number
}

const codes = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const

/** Bytes of one value. */
export const bytesOf = { float32: 4, float16: 2, bfloat16: 2 } as const

/** Writes `tensors` in their order. Throws `INVALID_TENSOR` or `UNWRITABLE_FILE`; then there is no new file. */
export async function writeSafetensors(
  file: string,
  tensors: readonly WeightSource[],
  { dtype = 'float32', metadata = { format: 'pt' }, alignment = 8 }: WriteSafetensorsOptions = {},
): Promise<void> {
  const header = makeHeader(tensors, dtype, metadata, alignment)
  const target = resolve(file)
  const aside = asideOf(target)
  const output = await open(aside, 'wx').catch(unwritable(file))
  try {
    try {
      await output.appendFile(header)
      for (const tensor of tensors) await writeTensor(output, tensor, dtype)
      await output.sync()
    } finally {
      await output.close()
    }
    await rename(aside, target)
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined)
    unwritable(file)(error)
  }
  await syncFolder(dirname(target))
}

function makeHeader(
  tensors: readonly WeightSource[],
  dtype: WeightType,
  metadata: Readonly<Record<string, string>>,
  alignment: number,
): Uint8Array {
  const entries = new Map<string, unknown>([['__metadata__', metadata]])
  let end = 0
  for (const { name, shape } of tensors) {
    if (entries.has(name)) throw invalid(name, 'must have a name of its own', 'got it twice')
    const start = end
    end += countOf(shape) * bytesOf[dtype]
    entries.set(name, { dtype: codes[dtype], shape, data_offsets: [start, end] })
  }
  const json = Buffer.from(
    `{${[...entries].map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`,
  )
  const length = Math.ceil((8 + json.length) / alignment) * alignment
  const header = Buffer.alloc(length, ' ')
  header.writeBigUInt64LE(BigInt(length - 8))
  json.copy(header, 8)
  return header
}

async function writeTensor(output: FileHandle, tensor: WeightSource, dtype: WeightType): Promise<void> {
  const { name, shape, values } = tensor
  const count = countOf(shape)
  let written = 0
  for await (const piece of values instanceof Float32Array ? [values] : values()) {
    written += piece.length
    if (written > count) break
    const data = dtype === 'float32' ? piece : narrowHalf(piece, dtype)
    await output.appendFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  if (written !== count)
    throw invalid(
      name,
      `must have the ${count} values of shape [${shape.join(', ')}]`,
      `got ${written > count ? 'more' : written}`,
    )
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1)
}

function invalid(name: string, rule: string, got: string): EvolmmError {
  return new EvolmmError(
    'INVALID_TENSOR',
    `tensor ${JSON.stringify(name)}: ${rule}, ${got}; check what is written`,
    {
      details: { name },
    },
  )
}
