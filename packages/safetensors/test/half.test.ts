import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { narrowHalf, widenHalf } from '../src/half'

// The hashes are of NumPy's (float16) and PyTorch's (bfloat16) results, float16 narrowing by both; what is not a
// number is replaced by one pattern first, since hardware differs in its bits.
const sha256 = (data: Uint32Array | Uint16Array) =>
  createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex')

const everyHalf = Uint16Array.from({ length: 0x10000 }, (_, i) => i)

test.each([
  ['float16', '385ff5fe69182797cda5f1827e20cf423f4416bc9246f27d0eec27cac9039259'],
  ['bfloat16', 'f12e27efe34841dfd6391497b86f389096b03a376586e1d9691bba0a8de3980a'],
] as const)('all 65,536 values of %s widen exactly', (type, hash) => {
  const values = widenHalf(everyHalf, type)
  const words = new Uint32Array(values.buffer)
  for (const [i, value] of values.entries()) if (Number.isNaN(value)) words[i] = 0x7fc00000
  expect(sha256(words)).toBe(hash)
})

test.each([
  ['float16', 0x7e00, '073c9fa5a6421030e7048e3d4a3f321b471585080c3a0c3521abe996f08a2182'],
  ['bfloat16', 0x7fc0, '5bc086758e97defaf0575a9d7f7eef7b016b981b91e7bf14be00d0fcd2990a11'],
] as const)(
  '917,504 float32 values, at and around every tie, round to %s as PyTorch does',
  (type, nan, hash) => {
    const lows = [
      0, 1, 0xfff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x3001, 0x7fff, 0x8000, 0x8001, 0xefff, 0xf000, 0xffff,
    ]
    const words = Uint32Array.from({ length: 0x10000 * lows.length }, (_, i) => {
      return ((Math.floor(i / lows.length) << 16) | lows[i % lows.length]) >>> 0
    })
    const values = new Float32Array(words.buffer)
    const bits = narrowHalf(values, type)
    for (const [i, value] of values.entries()) if (Number.isNaN(value)) bits[i] = nan
    expect(sha256(bits)).toBe(hash)
  },
)

test.each(['float16', 'bfloat16'] as const)(
  'every %s survives widening and narrowing; NaN stays NaN with its sign',
  (type) => {
    const back = narrowHalf(widenHalf(everyHalf, type), type)
    const [exponent, sign] = [type === 'float16' ? 0x7c00 : 0x7f80, 0x8000]
    for (const [i, bits] of back.entries()) {
      const isNaN = (i & ~sign) > exponent
      expect(isNaN ? (bits & ~sign) > exponent && (bits & sign) === (i & sign) : bits === i).toBe(true)
    }
  },
)
