/**
 * Writes a `.safetensors` file as a stream: the header from names and shapes, then the bytes piece by piece. Whoever opens
 * the file sees the old one or the whole new one.
 */
import type { FileHandle } from 'node:fs/promises'
import { checkList, checkNames, checkText, countOf } from '@evolmm/internal'
import { replaceFile } from '@evolmm/internal/node'
import { EvolmmError } from './errors'

export interface TensorSource {
  name: string
  /** The type as the format spells it. */
  type: 'F32' | 'F16' | 'BF16' | 'U8'
  shape: readonly number[]
  /** All bytes in order, asked for when the tensor's turn has come. */
  pieces: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

export interface WriteTensorsOptions {
  /** Texts for the header's `__metadata__`. @default { format: 'pt' } */
  metadata?: Readonly<Record<string, string>> | undefined
  /** The first tensor begins at a multiple of this many bytes. @default 8, as other writers do */
  alignment?: number | undefined
}

const bytesOf = { F32: 4, F16: 2, BF16: 2, U8: 1 } as const

/** Writes `tensors` in their order. Throws `INVALID_TENSOR` or `UNWRITABLE_FILE`; then there is no new file. */
export async function writeTensors(
  file: string,
  tensors: readonly TensorSource[],
  options: WriteTensorsOptions = {},
): Promise<void> {
  checkNames('writeTensors', options, { metadata: true, alignment: true })
  const { metadata = { format: 'pt' }, alignment = 8 } = options
  checkText('file', file)
  checkList('tensors', tensors)
  const header = makeHeader(tensors, metadata, alignment)
  await replaceFile(file, async (output) => {
    await output.appendFile(header)
    for (const tensor of tensors) await writeTensor(output, tensor)
  })
}

function makeHeader(
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>>,
  alignment: number,
): Uint8Array {
  const entries = new Map<string, unknown>([['__metadata__', metadata]])
  let end = 0
  for (const { name, type, shape } of tensors) {
    if (entries.has(name)) throw invalid(name, 'must have a name of its own', 'got it twice')
    const start = end
    end += countOf(shape) * bytesOf[type]
    entries.set(name, { dtype: type, shape, data_offsets: [start, end] })
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

async function writeTensor(output: FileHandle, { name, type, shape, pieces }: TensorSource): Promise<void> {
  const count = countOf(shape)
  let written = 0
  for await (const piece of pieces()) {
    written += piece.length / bytesOf[type]
    if (written > count) break
    await output.appendFile(piece)
  }
  if (written !== count)
    throw invalid(
      name,
      `must have the ${count} values of shape [${shape.join(', ')}]`,
      `got ${written > count ? 'more' : written}`,
    )
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
