import { discreteSolverReward } from '@evolmm/rewards'
import { expect, test } from 'vitest'
import { train } from '../train.mjs'

test.each([1, 2, 3, 4, 5])('agreement rises without labels, and accuracy with it (seed %i)', (seed) => {
  const { before, after } = train({ seed })
  expect(before.agreement).toBeLessThan(0.6)
  expect(after.agreement).toBeGreaterThan(0.95)
  expect(after.accuracy).toBeGreaterThan(before.accuracy + 0.2)
})

test('it is the reward that does it: a constant one changes nothing', () => {
  const { before, after } = train({ reward: (batch) => batch.map(() => 1) })
  expect(Math.abs(after.agreement - before.agreement)).toBeLessThan(0.03)
})

test('any reward of the package fits', () => {
  expect(train({ reward: discreteSolverReward() }).after.agreement).toBeGreaterThan(0.95)
})
