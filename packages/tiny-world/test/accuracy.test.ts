import { expect, test } from 'vitest'
import { summarizeAccuracy, type PairAccuracy } from '../src/index'

const row = (chart: number, kind: PairAccuracy['kind'], greedy: number): PairAccuracy => ({
  chart,
  kind,
  greedy,
  sampled: 0.5,
  voted: 1,
  agreement: 0.6,
})

test('means and intervals, worked out by hand', () => {
  const { all, kinds } = summarizeAccuracy([
    row(1, 'count', 1),
    row(1, 'pos', 1),
    row(2, 'count', 1),
    row(2, 'pos', 0),
    row(3, 'count', 0),
    row(3, 'pos', 0),
  ])
  expect(all.count).toBe(6)
  // Residuals of the three charts: 1, 0, -1. Variance of the mean: (1 + 1) * 3/2 / 36 = 1/12.
  expect(all.greedy.mean).toBeCloseTo(0.5, 12)
  expect(all.greedy.margin).toBeCloseTo(1.96 * Math.sqrt(1 / 12), 12)
  expect(all.sampled).toEqual({ mean: 0.5, margin: 0 })
  expect(all.agreement.mean).toBeCloseTo(0.6, 12)
  expect(Object.keys(kinds)).toEqual(['count', 'pos'])
  // 1, 1, 0: residuals 1/3, 1/3, -2/3; the usual s / sqrt(n).
  expect(kinds.count?.greedy.mean).toBeCloseTo(2 / 3, 12)
  expect(kinds.count?.greedy.margin).toBeCloseTo(1.96 * Math.sqrt(1 / 3 / 3), 12)
})
