/**
 * The header of a `.safetensors` file: eight bytes of length, then JSON that says where each tensor lies. The rules
 * are those of the format's description; a file that breaks one is refused as a whole.
 */
import { countOf, isLfsPointer, isObject, lfsPointerRule, parseJson } from '@evolmm/internal'
import { EvolmmError } from './errors'
import { repeatedKey } from './repeated-key'
import { bytesPerValue, type StoredTensor, type TensorType } from './stored-tensor'

/** The format's own limit. */
const maxHeader = 100_000_000

const dtypes = new Map<unknown, TensorType>([
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I64', 'int64'],
  ['I32', 'int32'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U64', 'uint64'],
  ['U32', 'uint32'],
  ['U16', 'uint16'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
])

/** Bytes of the JSON, from the first eight bytes of a file of `size` bytes. */
export function headerLength(start: Uint8Array, size: number, file: string): number {
  if (isLfsPointer(start)) throw broken(file, lfsPointerRule)
  const length =
    start.length < 8 ? NaN : Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true))
  if (!(length >= 2 && length <= Math.min(maxHeader, size - 8))) {
    throw broken(
      file,
      `the header must end within the file and below ${maxHeader} bytes, got ${length} of ${size} bytes`,
    )
  }
  return length
}

/** The tensors of a file of `size` bytes, from its JSON. */
export function readHeader(json: Uint8Array, size: number, file: string): StoredTensor[] {
  const start = 8 + json.length
  const entries = Object.entries(parseObject(json, file)).flatMap(([name, entry]) => {
    if (name !== '__metadata__') return [readEntry(name, entry, start, size, file)]
    if (!isObject(entry) || !Object.values(entry).every((value) => typeof value === 'string'))
      throw broken(file, '__metadata__ must map names to texts, got something else')
    return []
  })
  let end = start
  for (const { name, offset, bytes } of entries.toSorted(
    (a, b) => a.offset - b.offset || a.bytes - b.bytes,
  )) {
    if (offset !== end) {
      const what = offset < end ? 'overlap another' : 'follow the one before without a gap'
      throw broken(
        file,
        `tensor ${JSON.stringify(name)} must ${offset < end ? 'not ' : ''}${what}, got offset ${offset} after ${end}`,
      )
    }
    end = offset + bytes
  }
  if (end !== size) throw broken(file, `tensors must fill the file, got ${size - end} bytes too many`)
  return entries
}

function parseObject(json: Uint8Array, file: string): Record<string, unknown> {
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json)
    value = parseJson(text)
  } catch (cause) {
    throw broken(
      file,
      `the header must be JSON, got ${cause instanceof Error ? cause.message : 'other bytes'}`,
      cause,
    )
  }
  if (!isObject(value) || !text.startsWith('{'))
    throw broken(file, 'the header must be a JSON object, got something else')
  const repeated = repeatedKey(text)
  if (repeated !== undefined) throw broken(file, `keys must be unique, got ${JSON.stringify(repeated)} twice`)
  return value
}

function readEntry(name: string, entry: unknown, start: number, size: number, file: string): StoredTensor {
  const where = `tensor ${JSON.stringify(name)}`
  if (!isObject(entry)) throw broken(file, `${where} must be an object, got ${JSON.stringify(entry)}`)
  const { dtype: code, shape, data_offsets: offsets, ...rest } = entry
  const extra = Object.keys(rest)
  if (extra.length > 0)
    throw broken(file, `${where} must have only dtype, shape and data_offsets, got ${extra.join(', ')}`)
  const dtype = dtypes.get(code)
  if (dtype === undefined)
    throw broken(
      file,
      `${where} must have one of the types ${[...dtypes.keys()].join(', ')}, got ${JSON.stringify(code)}`,
    )
  if (!isLengths(shape))
    throw broken(file, `${where} must have a shape of whole numbers, got ${JSON.stringify(shape)}`)
  if (!isLengths(offsets) || offsets.length !== 2)
    throw broken(file, `${where} must have two offsets, got ${JSON.stringify(offsets)}`)
  const [from, to] = offsets
  const bytes = countOf(shape) * bytesPerValue[dtype]
  if (from > to || to > size - start || to - from !== bytes)
    throw broken(
      file,
      `${where} must be ${bytes} bytes within the ${size - start} of data, got ${from} to ${to}`,
    )
  return { name, file, dtype, shape, offset: start + from, bytes }
}

function isLengths(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
}

export function broken(file: string, rule: string, cause?: unknown): EvolmmError {
  return new EvolmmError('INVALID_SAFETENSORS', `${file}: ${rule}; fetch or write the file again`, {
    details: { file },
    ...(cause !== undefined && { cause }),
  })
}
