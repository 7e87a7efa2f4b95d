/**
 * Rows of a matrix in four bits, in the layout of `com.microsoft.MatMulNBits`: blocks of neighbours in a row, each with a
 * scale and a zero point, so that a value is `(code - zero point) scale`.
 *
 * The sixteen codes span a block's least and largest value and 0, which is exact. That is nearer to normal weights than
 * sixteen codes around 0 are, and than the 4-bit floats of QLoRA in their blocks of 64 (measured in
 * docs/decisions/four-bits-in-blocks-of-32.md).
 */
import { countOf } from '@evolmm/internal'
import { EvolmmError } from '../errors'

/** Columns of a block. */
export const blockSize = 32

/** Shapes of the tensors of a matrix [out, inputs]. */
export function quantizedShapes(out: number, inputs: number) {
  const blocks = Math.ceil(inputs / blockSize)
  return {
    codes: [out, blocks, blockSize / 2],
    scales: [out, blocks],
    zeroPoints: [out, Math.ceil(blocks / 2)],
    zeros: [out, blocks],
  }
}

/** Bytes of a matrix [out, inputs] in four bits, of its codes alone, and of them with their scales. */
export function quantizedBytes(out: number, inputs: number): { file: number; codes: number; scaled: number } {
  const { codes, scales, zeroPoints, zeros } = quantizedShapes(out, inputs)
  const scaled = countOf(codes) + 4 * countOf(scales)
  return { file: scaled + countOf(zeroPoints) + countOf(zeros), codes: countOf(codes), scaled }
}

export interface QuantizedRows {
  codes: Uint8Array
  scales: Float32Array
  zeroPoints: Uint8Array
  /** Zero points in both halves of a byte each, for whoever does not unpack them. */
  zeros: Uint8Array
}

/** Room for `out` rows. */
export function emptyRows(out: number, inputs: number): QuantizedRows {
  const { codes, scales, zeroPoints, zeros } = quantizedShapes(out, inputs)
  return {
    codes: new Uint8Array(countOf(codes)),
    scales: new Float32Array(countOf(scales)),
    zeroPoints: new Uint8Array(countOf(zeroPoints)),
    zeros: new Uint8Array(countOf(zeros)),
  }
}

/** Quantizes `values` as row `row`. Throws `NOT_FINITE`. */
export function quantizeRow(values: Float32Array, row: number, into: QuantizedRows): void {
  const blocks = Math.ceil(values.length / blockSize)
  const bytes = blockSize / 2
  for (let block = 0; block < blocks; block++) {
    const start = block * blockSize
    const end = Math.min(values.length, start + blockSize)
    let [least, largest] = [0, 0]
    let sum = 0
    for (let i = start; i < end; i++) {
      const value = values[i]
      sum += value
      if (value < least) least = value
      else if (value > largest) largest = value
    }
    if (!Number.isFinite(sum))
      throw new EvolmmError(
        'NOT_FINITE',
        `weights: must be finite numbers, got ${sum} in row ${row}; fetch them again`,
        {
          details: { row },
        },
      )
    const step = Math.fround((largest - least) / 15)
    // What is smaller has no full precision, and counts for nothing.
    const scale = step < 2 ** -126 ? 0 : step
    const inverse = scale > 0 ? 1 / scale : 0
    const zero = Math.round(-least * inverse)
    into.scales[row * blocks + block] = scale
    into.zeros[row * blocks + block] = 17 * zero
    into.zeroPoints[row * Math.ceil(blocks / 2) + (block >> 1)] |= zero << (4 * (block & 1))
    const offset = zero + 0.5
    const at = (row * blocks + block) * bytes
    for (let i = 0; i < bytes; i++) {
      const first = start + 2 * i
      // Truncation rounds, since what is truncated is not negative but for less than one step.
      const low = first < end ? Math.min(15, (values[first] * inverse + offset) | 0) : zero
      const high = first + 1 < end ? Math.min(15, (values[first + 1] * inverse + offset) | 0) : zero
      into.codes[at + i] = low | (high << 4)
    }
  }
}
