/** Rounding of numbers to the two 16-bit float formats, to nearest with ties to even, and back. */

const scratch = new DataView(new ArrayBuffer(8))

/** Bits of the bfloat16 nearest to `value`. */
export function toBfloat16(value: number): number {
  return roundBits(value, 8, 7, 127)
}

/** Bits of the float16 nearest to `value`; beyond 65519 it is infinity. */
export function toFloat16(value: number): number {
  return roundBits(value, 5, 10, 15)
}

/** The number that bfloat16 bits stand for. */
export function fromBfloat16(bits: number): number {
  scratch.setUint32(0, bits * 2 ** 16)
  return scratch.getFloat32(0)
}

/** The number that float16 bits stand for. */
export function fromFloat16(bits: number): number {
  const [sign, exponent, fraction] = [bits >>> 15 === 0 ? 1 : -1, (bits >>> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

/** The bits are rounded from the 52-bit fraction of the double itself, so that nothing is rounded twice. */
function roundBits(value: number, exponentBits: number, fractionBits: number, bias: number): number {
  scratch.setFloat64(0, value)
  const high = scratch.getUint32(0)
  const sign = (high >>> 31) << 15
  const maxExponent = (1 << exponentBits) - 1
  if (Number.isNaN(value)) return sign | (maxExponent << fractionBits) | (1 << (fractionBits - 1))
  if (value === 0) return sign
  const magnitude = Math.abs(value)
  const exponent = Math.max(((high >>> 20) & 0x7ff) - 1023, 1 - bias)
  // In units of the last place; rounding may carry into the exponent, which is what the bit layout wants.
  const units = roundHalfEven(magnitude * 2 ** (fractionBits - exponent))
  const carried = units >= 2 ** (fractionBits + 1) ? exponent + 1 : exponent
  if (carried + bias >= maxExponent || !Number.isFinite(magnitude))
    return sign | (maxExponent << fractionBits)
  return sign | (units + (exponent - 1 + bias) * 2 ** fractionBits)
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
