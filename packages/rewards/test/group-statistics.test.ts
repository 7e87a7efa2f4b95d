import fc from 'fast-check'
import { expect, test } from 'vitest'
import { groupStatistics, INVALID, type Answer } from '@evolmm/rewards'

// Entropies of all splits of five answers, from the published table (three decimals).
test.each([
  [['a', 'a', 'a', 'a', 'a'], 0],
  [['a', 'a', 'a', 'a', 'b'], 0.5],
  [['a', 'a', 'a', 'b', 'b'], 0.673],
  [['a', 'a', 'a', 'b', 'c'], 0.95],
  [['a', 'a', 'b', 'b', 'c'], 1.055],
  [['a', 'a', 'b', 'c', 'd'], 1.332],
  [['a', 'b', 'c', 'd', 'e'], 1.609],
])('entropy of %j is %d nats', (answers, entropy) => {
  expect(groupStatistics(answers).entropy).toBeCloseTo(entropy, 3)
})

test('histogram, majority and agreement', () => {
  expect(groupStatistics(['b', 'a', INVALID, 'a', 'a'])).toEqual({
    total: 5,
    invalid: 1,
    histogram: [
      { answer: 'b', count: 1 },
      { answer: 'a', count: 3 },
      { answer: INVALID, count: 1 },
    ],
    majority: 'a',
    majorityCount: 3,
    agreement: 0.6,
    entropy: expect.closeTo(0.9503, 4) as number,
  })
})

test('a tie goes to the answer seen first', () => {
  expect(groupStatistics(['b', 'a', 'a', 'b']).majority).toBe('b')
  expect(groupStatistics(['c', 'a', 'b']).majority).toBe('c')
})

test('invalid answers count in N but never win', () => {
  expect(groupStatistics([INVALID, INVALID, INVALID, 'a', 'b'])).toMatchObject({
    majority: 'a',
    majorityCount: 1,
    agreement: 0.2,
    invalid: 3,
  })
  expect(groupStatistics([INVALID, INVALID])).toMatchObject({
    majority: INVALID,
    majorityCount: 0,
    agreement: 0,
    entropy: 0,
  })
})

test('invalid answers win on request, as in the released code', () => {
  expect(groupStatistics([INVALID, INVALID, 'a'], { invalidVotes: true })).toMatchObject({
    majority: INVALID,
    majorityCount: 2,
  })
})

test('all invalid answers are one outcome of the entropy', () => {
  expect(groupStatistics(['a', 'a', 'a', INVALID, INVALID]).entropy).toBe(
    groupStatistics(['a', 'a', 'a', 'b', 'b']).entropy,
  )
})

test('an empty group is an error', () => {
  expect(() => groupStatistics([])).toThrow(expect.objectContaining({ code: 'EMPTY_GROUP' }))
})

test('bounds, and no dependence on the order', () => {
  const answers = fc.array(fc.constantFrom<Answer>('a', 'b', 'c', 'd', INVALID), {
    minLength: 1,
    maxLength: 9,
  })
  const shuffled = answers.chain((group) =>
    fc.tuple(fc.constant(group), fc.shuffledSubarray(group, { minLength: group.length })),
  )
  fc.assert(
    fc.property(shuffled, ([group, permuted]) => {
      const [a, b] = [groupStatistics(group), groupStatistics(permuted)]
      expect(a.entropy).toBeGreaterThanOrEqual(0)
      expect(a.entropy).toBeLessThanOrEqual(Math.log(group.length) + 1e-12)
      expect(a.agreement).toBe(a.majorityCount / a.total)
      expect(a.majorityCount).toBeLessThanOrEqual(a.total - a.invalid)
      expect(a.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(group.length)
      expect(b.entropy).toBeCloseTo(a.entropy, 12)
      expect([b.majorityCount, b.invalid, b.total]).toEqual([a.majorityCount, a.invalid, a.total])
    }),
    { seed: 6 },
  )
})

test('what is neither text nor invalid cannot vote', () => {
  const answers = [undefined, undefined, 'a'] as unknown as Answer[]
  expect(() => groupStatistics(answers)).toThrow(expect.objectContaining({ code: 'INVALID_ANSWER' }))
})
