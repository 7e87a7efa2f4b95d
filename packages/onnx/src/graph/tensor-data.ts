/** Contents of constants: bytes in little-endian order, or a place in a file beside the model. */
import { countOf } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { dtypeBytes, type DType } from './dtype'
import { toBfloat16, toFloat16 } from './half'

export interface InlineData {
  dtype: DType
  dims: readonly number[]
  bytes: Uint8Array
}

export interface ExternalData {
  dtype: DType
  dims: readonly number[]
  /** Path relative to the folder that the runtime is told, with forward slashes; never absolute, never upwards. */
  location: string
  /** Bytes from the start of the file. */
  offset: number
  /** The length of the data in bytes. */
  length: number
}

export type TensorData = InlineData | ExternalData

/** Inline data from numbers (or bigints for 64-bit types). A plain number with dims [] is a scalar. */
export function tensorData(
  dtype: DType,
  dims: readonly number[],
  values: ArrayLike<number | bigint | boolean>,
): InlineData {
  const size = sizeOfDims('tensorData', dims)
  if (values.length !== size) {
    throw new EvolmmError(
      'DATA_SIZE',
      `tensorData: [${dims.join(', ')}] holds ${size} values, got ${values.length}; pass as many as the dimensions say`,
    )
  }
  const bytes = new Uint8Array(size * dtypeBytes(dtype))
  const view = new DataView(bytes.buffer)
  const write = writers[dtype]
  if (write === undefined) {
    throw new EvolmmError(
      'DATA_TYPE',
      `tensorData: must be a numeric type, got ${dtype}; strings cannot be constants`,
    )
  }
  const range = ranges[dtype]
  for (let i = 0; i < size; i++) {
    const value = values[i]
    if (!fits(value, range)) {
      const rule = range === undefined ? 'numbers' : `integers from ${range[0]} to ${range[1]}`
      throw new EvolmmError(
        'DATA_TYPE',
        `tensorData: ${dtype} must hold ${rule}, got ${String(value)}; use another type, or cast the tensor`,
      )
    }
    write(view, i, value)
  }
  return { dtype, dims, bytes }
}

/** Throw unless `data` is what its dimensions say, and where it may be; `what` says whose it is. */
export function checkTensorData(what: string, data: TensorData): void {
  const expected = sizeOfDims(what, data.dims) * dtypeBytes(data.dtype)
  const length = 'bytes' in data ? data.bytes.byteLength : data.length
  if (length !== expected)
    throw new EvolmmError(
      'DATA_SIZE',
      `${what}: ${data.dtype} [${data.dims.join(', ')}] must be ${expected} bytes, got ${length}; check dims and type`,
    )
  if ('bytes' in data) return
  const problem = locationProblem(data.location)
  if (problem !== undefined)
    throw new EvolmmError(
      'DATA_LOCATION',
      `${what}: the file of its data ${problem}, got ${JSON.stringify(data.location)}; name a file within the model's folder`,
    )
  if (!Number.isSafeInteger(data.offset) || data.offset < 0)
    throw new EvolmmError(
      'DATA_LOCATION',
      `${what}: the offset of its data must be a whole number of bytes, got ${data.offset}; count from the start of the file`,
    )
}

/** Why a location cannot be that of external data, if it cannot: it must stay within the folder of the model. */
export function locationProblem(location: string): string | undefined {
  if (location === '') return 'must be named'
  if (location.startsWith('/') || /^[a-z]:/i.test(location)) return 'must have a relative path'
  if (location.includes('\\')) return 'must be named with forward slashes'
  if (location.includes('\0')) return 'must not have a zero byte in its name'
  if (location.split('/').includes('..')) return 'must not be above the folder of the model'
  return undefined
}

function sizeOfDims(what: string, dims: readonly number[]): number {
  const given: unknown = dims
  if (!Array.isArray(given) || !given.every((dim) => Number.isSafeInteger(dim) && Number(dim) >= 0))
    throw new EvolmmError(
      'INVALID_SHAPE',
      `${what}: dimensions must be a list of whole numbers, 0 or more, got ${JSON.stringify(dims)}; pass [] for a scalar`,
    )
  return countOf(dims)
}

/** Least and largest integer of each integer type. */
const ranges: Partial<Record<DType, readonly [number | bigint, number | bigint]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint32: [0, 2 ** 32 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint64: [0, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  bool: [0, 1],
}

function fits(value: unknown, range: readonly [number | bigint, number | bigint] | undefined): boolean {
  if (typeof value === 'boolean') return true
  if (typeof value !== 'number' && typeof value !== 'bigint') return false
  if (range === undefined) return true
  return (typeof value === 'bigint' || Number.isInteger(value)) && value >= range[0] && value <= range[1]
}

type Writer = (view: DataView, index: number, value: number | bigint | boolean) => void

const writers: Partial<Record<DType, Writer>> = {
  float32: (view, i, value) => {
    view.setFloat32(4 * i, Number(value), true)
  },
  float64: (view, i, value) => {
    view.setFloat64(8 * i, Number(value), true)
  },
  float16: (view, i, value) => {
    view.setUint16(2 * i, toFloat16(Number(value)), true)
  },
  bfloat16: (view, i, value) => {
    view.setUint16(2 * i, toBfloat16(Number(value)), true)
  },
  int64: (view, i, value) => {
    view.setBigInt64(8 * i, BigInt(value), true)
  },
  uint64: (view, i, value) => {
    view.setBigUint64(8 * i, BigInt(value), true)
  },
  int32: (view, i, value) => {
    view.setInt32(4 * i, Number(value), true)
  },
  uint32: (view, i, value) => {
    view.setUint32(4 * i, Number(value), true)
  },
  int16: (view, i, value) => {
    view.setInt16(2 * i, Number(value), true)
  },
  uint16: (view, i, value) => {
    view.setUint16(2 * i, Number(value), true)
  },
  int8: (view, i, value) => {
    view.setInt8(i, Number(value))
  },
  uint8: (view, i, value) => {
    view.setUint8(i, Number(value))
  },
  bool: (view, i, value) => {
    view.setUint8(i, Number(value))
  },
}

/** The integers of inline int64 or int32 data, as numbers; `undefined` for anything else or beyond 2^53. */
export function integersOf(data: TensorData | undefined): number[] | undefined {
  if (data === undefined || !('bytes' in data) || (data.dtype !== 'int64' && data.dtype !== 'int32'))
    return undefined
  const view = new DataView(data.bytes.buffer, data.bytes.byteOffset, data.bytes.byteLength)
  const size = data.bytes.byteLength / dtypeBytes(data.dtype)
  return Array.from({ length: size }, (_, i) =>
    data.dtype === 'int64' ? Number(view.getBigInt64(8 * i, true)) : view.getInt32(4 * i, true),
  )
}
