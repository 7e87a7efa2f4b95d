import { expect, test } from 'vitest'

test('arrays of numbers are compared by value, whether or not their bytes are the same', () => {
  const weights = Float32Array.of(1, NaN, 0)
  expect(weights).toEqual(Float32Array.of(1, NaN, 0))
  expect({ weights }).toEqual({ weights: weights.slice() })
  expect(weights).not.toEqual(Float32Array.of(1, NaN, -0))
  expect(weights).not.toEqual(Float32Array.of(1, NaN))
  expect(Uint8Array.of(0, 0, 0, 0)).not.toEqual(Float32Array.of(0))
  expect(Buffer.from('ab').subarray(1)).toEqual(Buffer.from('b'))
  // Other bytes of the same value.
  const other = new Float32Array(Uint32Array.of(0x7fc0_0001).buffer)
  expect(other).toEqual(Float32Array.of(NaN))
})
