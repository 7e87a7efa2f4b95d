/** Element types, with the numbers that ONNX gives them and the bytes that they take. */
import { EvolmmError } from '../errors'

export type DType = keyof typeof table

const table = {
  float32: { code: 1, bytes: 4, float: true },
  uint8: { code: 2, bytes: 1, float: false },
  int8: { code: 3, bytes: 1, float: false },
  uint16: { code: 4, bytes: 2, float: false },
  int16: { code: 5, bytes: 2, float: false },
  int32: { code: 6, bytes: 4, float: false },
  int64: { code: 7, bytes: 8, float: false },
  string: { code: 8, bytes: 0, float: false },
  bool: { code: 9, bytes: 1, float: false },
  float16: { code: 10, bytes: 2, float: true },
  float64: { code: 11, bytes: 8, float: true },
  uint32: { code: 12, bytes: 4, float: false },
  uint64: { code: 13, bytes: 8, float: false },
  bfloat16: { code: 16, bytes: 2, float: true },
} as const

const byCode = new Map<number, DType>(Object.entries(table).map(([name, { code }]) => [code, name as DType]))

function entryOf(dtype: DType): (typeof table)[DType] {
  if (!Object.hasOwn(table, dtype))
    throw new EvolmmError(
      'UNKNOWN_TYPE',
      `dtype: must be one of ${Object.keys(table).join(', ')}, got ${JSON.stringify(dtype)}; name one of them`,
      { details: { dtype } },
    )
  return table[dtype]
}

/** The number of a type in ONNX files (`TensorProto.DataType`). */
export function dtypeCode(dtype: DType): number {
  return entryOf(dtype).code
}

/** The type with a number, or `undefined` for one that this package does not know (complex, 8-bit and 4-bit floats). */
export function dtypeOf(code: number): DType | undefined {
  return byCode.get(code)
}

/** Bytes of one element; 0 for strings. */
export function dtypeBytes(dtype: DType): number {
  return entryOf(dtype).bytes
}

/** Gradients flow through values of floating-point types only. */
export function isFloat(dtype: DType): boolean {
  return entryOf(dtype).float
}
