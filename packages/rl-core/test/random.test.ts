import {
  type Coordinates,
  type Counter,
  drawAt,
  fillNormal,
  fillUniform,
  jump,
  normal,
  philox4x32,
  uniform,
} from '@evolmm/rl-core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { preimage } from './philox-preimage'

const ones = 0xffffffff
const word = fc.nat({ max: ones })
const anyCounter = fc.tuple(word, word, word, word)
const anyKey = fc.tuple(word, word)

// The known-answer vectors published with Random123 (kat_vectors, "philox4x32 10").
test.each([
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [ones, ones, ones, ones],
    [ones, ones],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
] as const)('philox4x32 of %j under %j, and the uniform number made of it', (counter, key, words) => {
  expect(philox4x32(counter, key)).toEqual(words)
  // 27 bits of the first word and 26 of the second, as one integer below 2^53.
  const bits = ((BigInt(words[0]) >> 5n) << 26n) | (BigInt(words[1]) >> 6n)
  expect(uniform(key, counter)).toBe(Number(bits) / 2 ** 53)
})

test('the inverse of Philox finds the counter of any output', () => {
  fc.assert(
    fc.property(anyCounter, anyKey, (words, key) => {
      expect(philox4x32(preimage(words, key), key)).toEqual(words)
    }),
    { seed: 5 },
  )
})

test('uniform reaches 0 and stays below 1', () => {
  const key = [12, 34] as const
  expect(uniform(key, preimage([0, 0, 1, 2], key))).toBe(0)
  expect(uniform(key, preimage([ones, ones, 1, 2], key))).toBe(1 - 2 ** -53)
  const target = new Float32Array(1)
  fillUniform(target, key, preimage([ones, ones, 1, 2], key))
  expect(target[0]).toBe(1 - 2 ** -24)
})

test('normal is finite at the ends of its range', () => {
  const key = [12, 34] as const
  expect(Math.abs(normal(key, preimage([0, 0, 0, 0], key)))).toBe(0)
  // sqrt(-2 ln 2^-53), the largest there is.
  expect(normal(key, preimage([ones, ones, 0, 0], key))).toBeCloseTo(8.57167, 5)
  expect(normal(key, preimage([ones, ones, 0x80000000, 0], key))).toBeCloseTo(-8.57167, 5)
  // A quarter turn: the cosine is 0.
  expect(normal(key, preimage([ones, ones, 0x40000000, 0], key))).toBeCloseTo(0, 12)
})

test('numbers depend on nothing but their place', () => {
  const { key } = drawAt({ seed: 7 })
  const places: Counter[] = [3, 1, 2, 0].map((position) => [position, 0, 0, 0])
  const forward = places.map((counter) => [uniform(key, counter), normal(key, counter)])
  const backward = places.toReversed().map((counter) => [uniform(key, counter), normal(key, counter)])
  expect(backward.toReversed()).toEqual(forward)
  expect(new Set(forward.flat()).size).toBe(8)
})

test('moments and distribution of 100,000 draws (fixed places; bounds are 4 standard errors)', () => {
  const { key, counter } = drawAt({ seed: 2024, step: 3 })
  const n = 100_000
  const u = Array.from({ length: n }, (_, i) => uniform(key, jump(counter, i)))
  const z = Array.from({ length: n }, (_, i) => normal(key, jump(counter, i)))
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const bound = 4 / Math.sqrt(n)
  expect(Math.abs(mean(u) - 1 / 2)).toBeLessThan(bound * Math.sqrt(1 / 12))
  expect(Math.abs(mean(u.map((x) => x * x)) - 1 / 3)).toBeLessThan(bound * Math.sqrt(4 / 45))
  // Neighbouring places are independent.
  expect(Math.abs(mean(u.slice(1).map((x, i) => (x - 0.5) * (u[i] - 0.5))))).toBeLessThan(bound / 12)
  for (const [power, moment, variance] of [
    [1, 0, 1],
    [2, 1, 2],
    [3, 0, 15],
    [4, 3, 96],
  ])
    expect(Math.abs(mean(z.map((x) => x ** power)) - moment)).toBeLessThan(bound * Math.sqrt(variance))
  // 100 equal bins: chi-square has 99 degrees of freedom, standard deviation 14.1.
  const bins = new Array<number>(100).fill(0)
  for (const x of u) bins[Math.floor(x * 100)]++
  const chiSquare = bins.reduce((sum, count) => sum + (count - n / 100) ** 2 / (n / 100), 0)
  expect(Math.abs(chiSquare - 99)).toBeLessThan(4 * Math.sqrt(2 * 99))
})

test('jump adds to the 128-bit counter', () => {
  const value = (counter: Counter) => counter.reduceRight((sum, part) => sum * 2n ** 32n + BigInt(part), 0n)
  fc.assert(
    fc.property(
      fc.tuple(...[0, 1, 2, 3].map(() => fc.oneof(word, fc.constant(ones)))) as typeof anyCounter,
      fc.maxSafeNat(),
      (counter, by) => {
        expect(value(jump(counter, by))).toBe((value(counter) + BigInt(by)) % 2n ** 128n)
      },
    ),
    { seed: 6 },
  )
  expect(jump([ones, ones, ones, ones], 1)).toEqual([0, 0, 0, 0])
  expect(jump([ones, ones, 5, 0], 1)).toEqual([0, 0, 6, 0])
  expect(jump(jump([1, 2, 3, 4], 2 ** 40), 2 ** 41)).toEqual(jump([1, 2, 3, 4], 2 ** 40 + 2 ** 41))
  for (const by of [-1, 0.5, 2 ** 53]) expect(() => jump([0, 0, 0, 0], by)).toThrow('by: must be an integer')
})

test('fills: element i is the draw i places on, whatever the length', () => {
  const { key, counter } = drawAt({ seed: 1, position: ones - 2 })
  const normals = new Float32Array(9)
  const uniforms = new Float32Array(9)
  fillNormal(normals, key, counter)
  fillUniform(uniforms, key, counter)
  for (let i = 0; i < 9; i++) {
    expect(normals[i]).toBe(Math.fround(normal(key, jump(counter, i))))
    expect(uniforms[i]).toBe(Math.floor(uniform(key, jump(counter, i)) * 2 ** 24) / 2 ** 24)
  }
  const shorter = new Float32Array(4)
  fillNormal(shorter, key, jump(counter, 2))
  expect([...shorter]).toEqual([...normals.slice(2, 6)])
})

test('coordinates: the documented packing', () => {
  expect(drawAt({ seed: 5 * 2 ** 32 + 7, step: 1, role: 2, group: 3, sample: 4, position: 6 })).toEqual({
    key: [7, 5],
    counter: [6, 2 * 2 ** 24 + 4, 3, 1],
  })
  expect(drawAt({ seed: 9 })).toEqual({ key: [9, 0], counter: [0, 0, 0, 0] })
})

test('coordinates: different ones never share key and counter, up to the ends of their ranges', () => {
  const upTo = (limit: number) => fc.oneof(fc.nat({ max: limit - 1 }), fc.constantFrom(0, 1, limit - 1))
  const anyCoordinates: fc.Arbitrary<Required<Coordinates>> = fc.record({
    seed: fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER)),
    step: fc.oneof(fc.constant(ones), upTo(2 ** 31)),
    role: upTo(2 ** 8),
    group: fc.oneof(fc.constant(ones), upTo(2 ** 31)),
    sample: upTo(2 ** 24),
    position: fc.oneof(fc.constant(ones), upTo(2 ** 31)),
  })
  fc.assert(
    fc.property(anyCoordinates, (coordinates) => {
      const { key, counter } = drawAt(coordinates)
      // Every word is an unsigned 32-bit integer, and the coordinates can be read back.
      for (const part of [...key, ...counter]) expect(part).toBe(part >>> 0)
      expect({
        seed: key[1] * 2 ** 32 + key[0],
        step: counter[3],
        role: counter[1] >>> 24,
        group: counter[2],
        sample: counter[1] & 0xffffff,
        position: counter[0],
      }).toEqual(coordinates)
    }),
    { seed: 7 },
  )
})

test.each([
  { seed: -1 },
  { seed: 2 ** 53 },
  { step: 2 ** 32 },
  { role: 256 },
  { group: 2 ** 32 },
  { sample: 2 ** 24 },
  { position: 2 ** 32 },
  { step: 0.5 },
  { role: -1 },
  { group: -1 },
  { sample: -1 },
  { position: -1 },
])('the coordinate %j is refused', (coordinate) => {
  expect(() => drawAt({ seed: 0, ...coordinate })).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTION',
      details: { option: Object.keys(coordinate)[0], value: Object.values(coordinate)[0] },
    }),
  )
})
