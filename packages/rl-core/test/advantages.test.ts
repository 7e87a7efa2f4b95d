import {
  type AdvantageEstimator,
  emaBaseline,
  groupNormalized,
  leaveOneOut,
  noBaseline,
  type Rewards,
  whiten,
  whitened,
} from '@evolmm/rl-core'
import fc from 'fast-check'
import { expect, expectTypeOf, test } from 'vitest'
import reference from './fixtures/reference.json'
import { frozen } from './frozen'

/** All estimators, by the name that a failing test shows. */
const estimators: [string, AdvantageEstimator<unknown>][] = [
  ['ema, sample order', emaBaseline()],
  ['ema, group order', emaBaseline({ order: 'group' })],
  ['ema from the first reward', emaBaseline({ start: 'first' })],
  ['leave one out', leaveOneOut()],
  ['group normalised', groupNormalized()],
  ['group mean', groupNormalized({ scale: false })],
  ['none', noBaseline()],
  ['whitened ema', whitened(emaBaseline())],
]

/** Rewards of one call: groups of samples, some not scored. */
const anyRewards = fc.array(
  fc.array(fc.option(fc.double({ min: -10, max: 10, noNaN: true, noDefaultInfinity: true }), { freq: 4 }), {
    maxLength: 6,
  }),
  { maxLength: 4 },
)

function expectClose(actual: Rewards, expected: Rewards, digits = 12): void {
  expect(actual.map((group) => group.map((value) => (value === null ? null : 0)))).toEqual(
    expected.map((group) => group.map((value) => (value === null ? null : 0))),
  )
  const flat = expected.flat()
  for (const [index, value] of actual.flat().entries())
    if (value !== null) expect(value).toBeCloseTo(flat[index] ?? NaN, digits)
}

test('EMA, released order: each sample is compared with the baseline before its own update', () => {
  const ema = emaBaseline()
  // By hand: b = 0, 0.1, 0.19, 0.271 - and the next call goes on from there.
  const first = ema.estimate([[1, 1], [1]], ema.initial)
  expectClose(first.advantages, [[1, 0.9], [0.81]])
  expect(first.state.baseline).toBeCloseTo(0.271, 12)
  const second = ema.estimate([[0, 0.5]], first.state)
  expectClose(second.advantages, [[-0.271, 0.5 - 0.2439]])
  expect(second.state.baseline).toBeCloseTo(0.9 * 0.2439 + 0.05, 12)
})

test('EMA, group order: a group shares one baseline, which then moves by its mean', () => {
  const ema = emaBaseline({ order: 'group' })
  const { advantages, state } = ema.estimate([[1, 0, null], [0.5]], ema.initial)
  expectClose(advantages, [[1, 0, null], [0.45]])
  expect(state.baseline).toBeCloseTo(0.9 * 0.05 + 0.05, 12)
})

test('EMA: decay and start are options', () => {
  const ema = emaBaseline({ decay: 0.5, start: 2 })
  const { advantages, state } = ema.estimate([[1, 1]], ema.initial)
  expectClose(advantages, [[-1, -0.5]])
  expect(state.baseline).toBe(1.25)
})

test('EMA can start from the first reward, or from the mean of the first group', () => {
  const bySample = emaBaseline({ start: 'first' })
  expect(bySample.initial).toEqual({ baseline: null })
  const sample = bySample.estimate([[null, 1, 0]], bySample.initial)
  expectClose(sample.advantages, [[null, 0, -1]])
  expect(sample.state.baseline).toBeCloseTo(0.9, 12)

  const byGroup = emaBaseline({ start: 'first', order: 'group' })
  const group = byGroup.estimate([[null], [1, 0], [1]], byGroup.initial)
  expectClose(group.advantages, [[null], [0.5, -0.5], [0.5]])
  expect(group.state.baseline).toBeCloseTo(0.55, 12)
})

test('leave-one-out compares with the mean of the others', () => {
  const { advantages } = leaveOneOut().estimate([[1, 0, 0, 1], [3, null, 1], [2], []], null)
  expectClose(advantages, [[2 / 3, -2 / 3, -2 / 3, 2 / 3], [2, null, -2], [0], []])
})

test('leave-one-out is the definition, for any rewards', () => {
  fc.assert(
    fc.property(anyRewards, (rewards) => {
      const expected = rewards.map((group) =>
        group.map((reward, index) => {
          const others = group.filter((other, at) => at !== index && other !== null) as number[]
          if (reward === null || others.length === 0) return reward === null ? null : 0
          return reward - others.reduce((sum, other) => sum + other, 0) / others.length
        }),
      )
      expectClose(leaveOneOut().estimate(rewards, null).advantages, expected, 9)
    }),
    { seed: 1 },
  )
})

test('group normalised: PyTorch with the sample standard deviation and 1e-4', () => {
  const { rewards, advantages } = reference.groups
  expectClose(groupNormalized().estimate(rewards, null).advantages, advantages, 5)
})

test('group normalised: unscored samples take no part, and scale: false only centres', () => {
  // Mean 0.5, sample standard deviation 1 / sqrt(2).
  const unit = Math.SQRT1_2 + 1e-4
  const rewards = [[1, null, 0], [7], [null]]
  expectClose(groupNormalized().estimate(rewards, null).advantages, [
    [0.5 / unit, null, -0.5 / unit],
    [0],
    [null],
  ])
  expectClose(groupNormalized({ scale: false }).estimate(rewards, null).advantages, [
    [0.5, null, -0.5],
    [0],
    [null],
  ])
})

test('equal rewards give exactly 0, whatever their binary digits', () => {
  const rewards = [[0.1, 0.1, 0.1, 0.1, 0.1, 0.1]]
  for (const estimator of [leaveOneOut(), groupNormalized(), whitened(noBaseline())])
    expect(estimator.estimate(rewards, null).advantages).toEqual([[0, 0, 0, 0, 0, 0]])
})

test('no baseline: the reward itself', () => {
  expect(noBaseline().estimate([[1, null], [-2]], null).advantages).toEqual([[1, null], [-2]])
})

test('whitening: mean 0 and variance 1 over all groups together', () => {
  expectClose(whiten([[1, 3], [null], [5, 7]]), [
    [-3 / Math.sqrt(5), -1 / Math.sqrt(5)],
    [null],
    [1 / Math.sqrt(5), 3 / Math.sqrt(5)],
  ])
  // The same at any scale above rounding.
  expectClose(whiten([[1e-5], [3e-5]]), [[-1], [1]])
})

test('whitening does not blow up rounding', () => {
  expect(whiten([[0.3, 0.1 + 0.2]])).toEqual([[0, 0]])
  expect(whiten([[5]])).toEqual([[0]])
  expect(whiten([[null], []])).toEqual([[null], []])
})

test('whitened changes the advantages of an estimator and not its state', () => {
  const plain = emaBaseline()
  const { advantages, state } = whitened(plain).estimate([[1, 1], [0]], plain.initial)
  const expected = plain.estimate([[1, 1], [0]], plain.initial)
  expect(state).toEqual(expected.state)
  expect(advantages).toEqual(whiten(expected.advantages))
})

test.each(estimators)('%s: a frozen state from JSON continues as if nothing had happened', (_, estimator) => {
  const calls: Rewards[] = [[[1, 0, null]], [[0.5], [0.25, 0.75]], [[null]], [[0.3, 0.9]]]
  let live = estimator.initial
  let restored = frozen(estimator.initial)
  for (const rewards of calls) {
    const expected = estimator.estimate(rewards, live)
    const actual = estimator.estimate(frozen(rewards), restored)
    expect(actual).toEqual(expected)
    live = expected.state
    restored = frozen(actual.state)
    expect(restored).toEqual(live)
  }
})

test.each(estimators)('%s: same shape, null where the reward is null, otherwise finite', (_, estimator) => {
  fc.assert(
    fc.property(anyRewards, (rewards) => {
      const { advantages } = estimator.estimate(rewards, estimator.initial)
      expect(advantages.map((group) => group.map((value) => Number.isFinite(value)))).toEqual(
        rewards.map((group) => group.map((reward) => reward !== null)),
      )
    }),
    { seed: 2 },
  )
})

test.each(estimators)('%s: a non-finite reward is refused and named', (_, estimator) => {
  for (const bad of [NaN, Infinity, -Infinity])
    expect(() => estimator.estimate([[1], [0, bad]], estimator.initial)).toThrow(
      expect.objectContaining({ code: 'INVALID_REWARD', details: { group: 1, sample: 1, reward: bad } }),
    )
})

test('options are checked, and types say what a state is', () => {
  expect(() => emaBaseline({ decay: 1 })).toThrow('decay: must be')
  expect(() => emaBaseline({ decay: -0.1 })).toThrow('decay: must be')
  expect(() => emaBaseline({ start: NaN })).toThrow('start: must be')
  expect(() => emaBaseline({ order: 'batch' as 'group' })).toThrow('order: must be one of sample, group')
  expectTypeOf(emaBaseline().initial).toEqualTypeOf<{ readonly baseline: number | null }>()
  expectTypeOf(whitened(leaveOneOut())).toEqualTypeOf<AdvantageEstimator<null>>()
})

test('a state that was damaged on the way is refused, not carried on', () => {
  expect(() => emaBaseline().estimate([[1]], { baseline: NaN })).toThrow(
    'state.baseline: must be a finite number',
  )
})

test('a spread far above rounding is whitened, however small', () => {
  expect(whiten([[0, 2e-7]])).toEqual([[expect.closeTo(-1, 6), expect.closeTo(1, 6)]])
})
