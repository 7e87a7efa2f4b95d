import { adaptiveKl, fixedKl } from '@evolmm/rl-core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { frozen } from './frozen'

test('adaptive: beta exp(rate (KL - target) / target), with the published defaults', () => {
  const controller = adaptiveKl()
  expect(controller.initial).toEqual({ coefficient: 1e-3 })
  expect(controller.update(0.02, controller.initial).coefficient).toBe(1e-3)
  expect(controller.update(0.04, controller.initial).coefficient).toBeCloseTo(1e-3 * Math.exp(0.1), 15)
  expect(controller.update(0, controller.initial).coefficient).toBeCloseTo(1e-3 * Math.exp(-0.1), 15)
  const other = adaptiveKl({ coefficient: 2, target: 0.5, rate: 0.3 })
  expect(other.update(0.75, { coefficient: 4 }).coefficient).toBeCloseTo(4 * Math.exp(0.15), 12)
})

test('the exponent is limited to 1 in both directions, or as asked, or not at all', () => {
  const factor = (exponentLimit: number | undefined, kl: number) =>
    adaptiveKl({ coefficient: 1, min: 1e-30, max: 1e30, ...(exponentLimit && { exponentLimit }) }).update(
      kl,
      {
        coefficient: 1,
      },
    ).coefficient
  expect(factor(undefined, 1)).toBeCloseTo(Math.E, 12)
  expect(factor(undefined, -1)).toBeCloseTo(1 / Math.E, 12)
  expect(factor(0.5, 1)).toBeCloseTo(Math.exp(0.5), 12)
  // The published rule: KL 1 at target 0.02 is exp(4.9), about 134.
  expect(factor(Infinity, 1)).toBeCloseTo(134.29, 2)
})

test('beta stays between minimum and maximum, whatever is measured', () => {
  const released = adaptiveKl({ exponentLimit: Infinity })
  expect(released.update(1e9, released.initial).coefficient).toBe(1e2)
  expect(released.update(-1e9, released.initial).coefficient).toBe(1e-8)
  // KL near 0 decays beta to the floor in about 115 updates.
  let state = adaptiveKl().initial
  for (let k = 0; k < 114; k++) state = adaptiveKl().update(0, state)
  expect(state.coefficient).toBeGreaterThan(1e-8)
  for (let k = 0; k < 2; k++) state = adaptiveKl().update(0, state)
  expect(state.coefficient).toBe(1e-8)

  const bounded = adaptiveKl({ coefficient: 0.1, min: 0.01, max: 1, exponentLimit: Infinity })
  fc.assert(
    fc.property(fc.array(fc.double()), (kls) => {
      const { coefficient } = kls.reduce((state, kl) => bounded.update(kl, state), bounded.initial)
      expect(coefficient).toBeGreaterThanOrEqual(0.01)
      expect(coefficient).toBeLessThanOrEqual(1)
    }),
    { seed: 4 },
  )
})

test('roles have their own targets: the tighter one pushes beta up where the looser one lets it fall', () => {
  const solver = adaptiveKl({ target: 0.01 })
  const proposer = adaptiveKl({ target: 0.05 })
  expect(solver.update(0.03, solver.initial).coefficient).toBeGreaterThan(1e-3)
  expect(proposer.update(0.03, proposer.initial).coefficient).toBeLessThan(1e-3)
})

test('a target below 1e-8 counts as 1e-8', () => {
  const controller = adaptiveKl({ target: 0 })
  expect(controller.update(1e-8, controller.initial).coefficient).toBe(1e-3)
  expect(controller.update(0, controller.initial).coefficient).toBeCloseTo(1e-3 * Math.exp(-0.1), 15)
})

test.each([NaN, Infinity, -Infinity])('KL %s leaves the state as it was', (kl) => {
  expect(adaptiveKl().update(kl, { coefficient: 0.5 })).toEqual({ coefficient: 0.5 })
})

test('fixed: the coefficient never moves', () => {
  const controller = fixedKl({ coefficient: 0.04 })
  expect(controller.update(100, controller.initial)).toEqual({ coefficient: 0.04 })
  expect(fixedKl({ coefficient: 0 }).initial).toEqual({ coefficient: 0 })
})

test.each([
  ['adaptive', adaptiveKl()],
  ['fixed', fixedKl({ coefficient: 1 })],
])('%s: a frozen state from JSON continues as if nothing had happened', (_, controller) => {
  let live = controller.initial
  let restored = frozen(controller.initial)
  for (const kl of [0.1, 0, 0.03, NaN, 2]) {
    live = controller.update(kl, live)
    restored = frozen(controller.update(kl, restored))
    expect(restored).toEqual(live)
  }
})

test.each([
  { min: 0 },
  { max: 1e-9 },
  { coefficient: 0 },
  { coefficient: 1e3 },
  { target: -1 },
  { rate: -0.1 },
  { exponentLimit: 0 },
  { exponentLimit: NaN },
])('the option %j is refused', (option) => {
  expect(() => adaptiveKl(option)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  expect(() => fixedKl({ coefficient: -1 })).toThrow('coefficient: must be')
})

test('a state that was damaged on the way is refused, not carried on', () => {
  expect(() => adaptiveKl().update(0.02, { coefficient: NaN })).toThrow(
    'state.coefficient: must be a finite number',
  )
})
