/**
 * The two 16-bit float formats, as bits, to float32 (exact) and back (to nearest, ties to even). Node 20 has no
 * float16 arrays. A value that is not a number stays one, with its sign.
 */
import { EvolmmError } from './errors'

export type HalfType = 'float16' | 'bfloat16'

/** The float32 values of `bits`. */
export function widenHalf(bits: Uint16Array, type: HalfType): Float32Array<ArrayBuffer> {
  checkValues('bits', bits, Uint16Array)
  const words = new Uint32Array(bits.length)
  if (type === 'bfloat16') for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16
  else {
    const table = float16Table()
    for (let i = 0; i < bits.length; i++) words[i] = table[bits[i]]
  }
  return new Float32Array(words.buffer)
}

/** The bits of the nearest 16-bit numbers; float16 overflows to infinity from 65520 on. */
export function narrowHalf(values: Float32Array, type: HalfType): Uint16Array<ArrayBuffer> {
  checkValues('values', values, Float32Array)
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const narrow = type === 'bfloat16' ? bfloat16Bits : float16Bits
  const bits = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) bits[i] = narrow(words[i])
  return bits
}

function bfloat16Bits(word: number): number {
  if ((word & 0x7fffffff) > 0x7f800000) return (word >>> 16) | 0x40
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
}

function float16Bits(word: number): number {
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  // The exponent falls by 127 - 15; rounding may carry into it, which is what the bit layout wants.
  if (magnitude >= 0x38800000)
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
  const exponent = magnitude >>> 23
  const shift = 126 - exponent
  if (shift > 24) return sign
  // Below the normal range: a whole number of 2^-24, from the 24-bit fraction with its leading one.
  const fraction = (magnitude & 0x7fffff) | 0x800000
  const units = fraction >>> shift
  const rest = fraction & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return sign | (units + (rest > half || (rest === half && (units & 1) === 1) ? 1 : 0))
}

let table: Uint32Array | undefined

/** Float32 bits of every float16. */
function float16Table(): Uint32Array {
  if (table !== undefined) return table
  const value = new Float32Array(1)
  const word = new Uint32Array(value.buffer)
  table = Uint32Array.from({ length: 0x10000 }, (_, bits) => {
    const exponent = (bits >>> 10) & 0x1f
    const fraction = bits & 0x3ff
    if (exponent === 0x1f) return ((bits & 0x8000) << 16) | 0x7f800000 | (fraction << 13)
    const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15)
    value[0] = bits < 0x8000 ? magnitude : -magnitude
    return word[0]
  })
  return table
}

function checkValues(
  name: string,
  value: unknown,
  kind: Uint16ArrayConstructor | Float32ArrayConstructor,
): void {
  if (value instanceof kind) return
  throw new EvolmmError(
    'INVALID_OPTION',
    `${name}: must be a ${kind.name}, got something else; pass such an array`,
    {
      details: { option: name },
    },
  )
}
