import { learningRate, type LearningRateOptions } from '@evolmm/rl-core'
import { expect, test } from 'vitest'
import reference from './fixtures/reference.json'

const schedules = reference.schedules as (Required<LearningRateOptions> & { values: number[] })[]

test.each(schedules)(
  'transformers: $schedule, warm-up $warmupSteps of $totalSteps, minimum $minimum',
  ({ values, ...options }) => {
    const rate = learningRate(options)
    for (const [step, value] of values.entries())
      expect(Math.abs(rate(step) - value)).toBeLessThanOrEqual(1e-15 * options.base + 1e-12 * value)
  },
)

test('linear goes down to its minimum, by hand', () => {
  const rate = learningRate({ schedule: 'linear', base: 1, warmupSteps: 2, totalSteps: 6, minimum: 0.2 })
  const expected = [0, 0.5, 1, 0.8, 0.6, 0.4, 0.2]
  for (const [step, value] of expected.entries()) expect(rate(step)).toBeCloseTo(value, 12)
})

test('the minimum holds after the last step', () => {
  for (const schedule of ['linear', 'cosine'] as const) {
    const rate = learningRate({ schedule, base: 1, totalSteps: 10, minimum: 0.1 })
    for (const step of [10, 11, 15, 20, 1e6]) expect(rate(step)).toBe(0.1)
  }
})

test('there is no warm-up unless asked for, and the minimum is 0', () => {
  expect(learningRate({ schedule: 'constant', base: 2 })(0)).toBe(2)
  expect(learningRate({ schedule: 'linear', base: 2, totalSteps: 4 })(0)).toBe(2)
  expect(learningRate({ schedule: 'linear', base: 2, totalSteps: 4 })(4)).toBe(0)
})

test('options and steps are checked', () => {
  expect(() => learningRate({ schedule: 'step' as 'linear', base: 1 })).toThrow('schedule: must be one of')
  expect(() => learningRate({ schedule: 'constant', base: -1 })).toThrow('base: must be')
  expect(() => learningRate({ schedule: 'constant', base: 1, warmupSteps: -1 })).toThrow(
    'warmupSteps: must be',
  )
  expect(() => learningRate({ schedule: 'cosine', base: 1 })).toThrow('totalSteps: must be')
  expect(() => learningRate({ schedule: 'linear', base: 1, totalSteps: 0 })).toThrow('totalSteps: must be')
  expect(() => learningRate({ schedule: 'linear', base: 1, totalSteps: 5, minimum: 2 })).toThrow(
    'minimum: must be',
  )
  for (const step of [-1, 0.5, NaN])
    expect(() => learningRate({ schedule: 'constant', base: 1 })(step)).toThrow('step: must be an integer')
})
