/** A stored tensor says where its bytes lie in a `.safetensors` file. */
import { checkObject, floatTypes } from '@evolmm/internal'
import type { NdArray } from 'ndarray'

/** Element types of the format. */
export type TensorType =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool'

/** Values of a tensor, row-major from the first of `data` on where this package made it. */
export type FloatArray = NdArray<Float32Array>

/** Types whose values can be read and written as numbers. */
export type FloatType = (typeof floatTypes)[number]

export interface StoredTensor<T extends TensorType = TensorType> {
  name: string
  /** Real path, symbolic links resolved. */
  file: string
  dtype: T
  shape: readonly number[]
  /** Bytes from the start of the file. */
  offset: number
  /** The length of the tensor in bytes. */
  bytes: number
}

/** Bytes of one value. */
export const bytesPerValue: Readonly<Record<TensorType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
}

export function isFloatTensor(tensor: StoredTensor): tensor is StoredTensor<FloatType> {
  checkObject('tensor', tensor)
  return (floatTypes as readonly string[]).includes(tensor.dtype)
}
