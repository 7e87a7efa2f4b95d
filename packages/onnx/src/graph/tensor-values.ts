/** Contents of constants as the typed arrays that onnxruntime takes. */
import { EvolmmError } from '../errors'
import type { DType } from './dtype'
import type { TensorData } from './tensor-data'

export type TensorValues =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | BigInt64Array
  | BigUint64Array

/** A copy of the elements. The 16-bit floats are given as their bits, bool as 0 and 1. */
export function tensorValues(data: TensorData): TensorValues {
  const bytes: unknown = 'bytes' in data ? data.bytes : undefined
  if (!(bytes instanceof Uint8Array))
    throw new EvolmmError(
      'NOT_INLINE',
      'tensorValues: the data must be inline, got data without bytes; read the file that it names with readExternalData',
    )
  // Not `slice`, which is a view where the bytes are a Buffer.
  const copy = new Uint8Array(bytes)
  const { dtype } = data
  return new arrays[dtype](copy.buffer, 0, copy.length / arrays[dtype].BYTES_PER_ELEMENT)
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  string: Uint8Array,
} satisfies Record<DType, unknown>
