import { collapseDetector, type CollapseObservation } from '@evolmm/rl-core'
import { expect, test } from 'vitest'
import { frozen } from './frozen'

const healthy = { entropy: 0.8, rewards: [1, 0] }

/** What the detector (floor 0.1, patience 3) says after each observation, its state saved and restored in between. */
function verdicts(observations: readonly Partial<CollapseObservation>[]) {
  const detector = collapseDetector({ entropyFloor: 0.1, patience: 3 })
  let state = detector.initial
  return observations.map((observation) => {
    const next = detector.observe(frozen({ ...healthy, ...observation }), frozen(state))
    state = next.state
    return next.collapsed
  })
}

test('entropy below the floor for as many steps in a row as the patience says', () => {
  expect(verdicts([{ entropy: 0.05 }, { entropy: 0 }, { entropy: 0.0999 }, { entropy: 0.01 }, {}])).toEqual([
    null,
    null,
    'entropy',
    'entropy',
    null,
  ])
})

test('one step at the floor or above it starts the count again', () => {
  const low = { entropy: 0.05 }
  expect(verdicts([low, low, { entropy: 0.1 }, low, low, low])).toEqual([
    null,
    null,
    null,
    null,
    null,
    'entropy',
  ])
})

test('all rewards equal for as many steps in a row; unscored samples are ignored', () => {
  expect(
    verdicts([
      { rewards: [1, 1, 1] },
      { rewards: [null, 0.3, 0.3] },
      { rewards: [0, 0] },
      { rewards: [0, 1] },
    ]),
  ).toEqual([null, null, 'reward-variance', null])
  const equal = { rewards: [1, 1] }
  expect(verdicts([equal, equal, { rewards: [1, 1.000001] }, equal, equal])).toEqual([
    null,
    null,
    null,
    null,
    null,
  ])
})

test('a step that says nothing neither counts nor starts the count again', () => {
  const low = { entropy: 0 }
  expect(verdicts([low, low, { entropy: null }, low])).toEqual([null, null, null, 'entropy'])
  const equal = { rewards: [1, 1] }
  for (const rewards of [[], [1], [null, null, 1]])
    expect(verdicts([equal, equal, { rewards }, equal])).toEqual([null, null, null, 'reward-variance'])
})

test('an entropy that is not finite says nothing', () => {
  const detector = collapseDetector({ entropyFloor: 0.1, patience: 3 })
  for (const entropy of [NaN, -Infinity])
    expect(
      detector.observe({ ...healthy, entropy }, { lowEntropy: 2, equalRewards: 0 }).state.lowEntropy,
    ).toBe(2)
})

test('both signs at once: the entropy is named', () => {
  const detector = collapseDetector({ entropyFloor: 0.1, patience: 1 })
  expect(detector.observe({ entropy: 0, rewards: [1, 1] }, detector.initial)).toEqual({
    state: { lowEntropy: 1, equalRewards: 1 },
    collapsed: 'entropy',
  })
})

test('options are checked', () => {
  expect(() => collapseDetector({ entropyFloor: NaN, patience: 1 })).toThrow('entropyFloor: must be')
  expect(() => collapseDetector({ entropyFloor: 0.1, patience: 0 })).toThrow('patience: must be')
})
