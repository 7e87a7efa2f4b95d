/** Contents of constants: bytes in little-endian order, or a place in a file beside the model. */
import { EvolmmError } from '@evolmm/internal'
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
  /** Bytes. */
  length: number
}

export type TensorData = InlineData | ExternalData

/** Inline data from numbers (or bigints for 64-bit types). A plain number with dims [] is a scalar. */
export function tensorData(
  dtype: DType,
  dims: readonly number[],
  values: ArrayLike<number | bigint | boolean>,
): InlineData {
  const size = dims.reduce((product, dim) => product * dim, 1)
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
  for (let i = 0; i < size; i++) {
    const value = values[i]
    if (dtype.includes('int') && typeof value === 'number' && !Number.isInteger(value)) {
      throw new EvolmmError(
        'DATA_TYPE',
        `tensorData: ${dtype} must hold integers, got ${value}; cast the tensor to a float type`,
      )
    }
    write(view, i, value)
  }
  return { dtype, dims, bytes }
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
    view.setUint8(i, value === true || value === 1 ? 1 : 0)
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
