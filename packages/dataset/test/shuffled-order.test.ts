import fc from 'fast-check'
import { expect, test } from 'vitest'
import { philox4x32 } from '@evolmm/internal'
import { shuffledOrder } from '@evolmm/dataset'

/** The definition, word by word, in integers of any size: the shuffle must not depend on how it is made fast. */
function definition(length: number, seed: number, epoch: number): number[] {
  const word = 0xffffffffn
  const split = (value: number): [number, number] => [
    Number(BigInt(value) & word),
    Number(BigInt(value) >> 32n),
  ]
  const words = (function* () {
    for (let block = 0; ; block++) yield* philox4x32([block, ...split(epoch), 0], split(seed))
  })()
  const order = Array.from({ length }, (_, i) => i)
  for (let last = length - 1; last > 0; last--) {
    const bound = BigInt(last + 1)
    let drawn
    do drawn = BigInt(words.next().value)
    while (drawn >= ((word + 1n) / bound) * bound)
    const other = Number(drawn % bound)
    ;[order[last], order[other]] = [order[other], order[last]]
  }
  return order
}

test('is the shuffle that the definition gives, seeds and epochs beyond 32 bits included', () => {
  const large = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }))
  fc.assert(
    fc.property(fc.nat(60), large, large, (length, seed, epoch) => {
      expect([...shuffledOrder({ length, seed, epoch })]).toEqual(definition(length, seed, epoch))
    }),
    { seed: 1 },
  )
})

test('refuses words that would favour small indices: a million draws meet dozens of them', () => {
  const options = { length: 1_000_000, seed: 3, epoch: 0 }
  const expected = Uint32Array.from(definition(1_000_000, 3, 0))
  expect(Buffer.from(shuffledOrder(options).buffer).equals(Buffer.from(expected.buffer))).toBe(true)
})

test('is a permutation that differs between seeds and between epochs', () => {
  const base = shuffledOrder({ length: 1000, seed: 1, epoch: 0 })
  expect([...base].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
  for (const other of [
    { seed: 2, epoch: 0 },
    { seed: 1, epoch: 1 },
    { seed: 1 + 2 ** 32, epoch: 0 },
    { seed: 1, epoch: 2 ** 32 },
  ])
    expect(shuffledOrder({ length: 1000, ...other })).not.toEqual(base)
})

test('all permutations of four are equally frequent', () => {
  const counts = new Map<string, number>()
  const draws = 24_000
  for (let seed = 0; seed < draws; seed++) {
    const key = shuffledOrder({ length: 4, seed, epoch: 5 }).join()
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const expected = draws / 24
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  expect(counts.size).toBe(24)
  // 23 degrees of freedom: 49.7 is exceeded once in a thousand fair seeds; this run is fixed.
  expect(chiSquare).toBeLessThan(49.7)
})

test('refuses lengths, seeds and epochs that are not integers from 0', () => {
  const good = { length: 2, seed: 1, epoch: 0 }
  for (const bad of [
    { length: -1 },
    { length: 2 ** 32 },
    { seed: -1 },
    { seed: 0.5 },
    { epoch: -1 },
    { epoch: NaN },
  ])
    expect(() => shuffledOrder({ ...good, ...bad })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
})
