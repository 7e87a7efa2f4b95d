import { expect, test } from 'vitest'
import { finiteMean, knownMean, mean } from '../src/index'

test('a mean is the sum by the count, of what is known', () => {
  expect(mean([1, 2, 6])).toBe(3)
  expect(mean(Float32Array.of(0.5, 1))).toBe(0.75)
  expect(mean([])).toBeNaN()
  expect(knownMean([null, 2, null, 4])).toBe(3)
  expect(knownMean([null])).toBeNull()
  expect(finiteMean([null, NaN, 3, Infinity, 5])).toBe(4)
  expect(finiteMean([NaN])).toBeNull()
})
