import { closest } from '@evolmm/internal'
import { expect, test } from 'vitest'

test('a mistyped name is the nearest one, unless none is near', () => {
  const names = ['learning_rate', 'lr', 'seed']
  expect(closest('lrr', names)).toBe('lr')
  expect(closest('learning-rate', names)).toBe('learning_rate')
  expect(closest('sed', names)).toBe('seed')
  expect(closest('temperature', names)).toBeUndefined()
  expect(closest('', names)).toBeUndefined()
})

test('a text without end is near to nothing, and is compared with nothing', () => {
  // Letter by letter this would take hours.
  const names = Array.from({ length: 10_000 }, (_, i) => `name_${i}`)
  expect(closest('x'.repeat(2 ** 24), names)).toBeUndefined()
})
