import { readFileSync } from 'node:fs'
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pairedDifference, signTest, type PairedDifference } from '../src/compare/paired-difference'
import { calibration, type Agreement } from '../src/diagnostics/calibration'
import { majorityAtK, type AnswerCount } from '../src/diagnostics/majority-at-k'
import { passAtK } from '../src/diagnostics/pass-at-k'
import { vote } from '../src/diagnostics/vote'

/** SciPy's numbers; see make.py beside them. */
const scipy = JSON.parse(
  readFileSync(new URL('fixtures/statistics/statistics.json', import.meta.url), 'utf8'),
) as {
  pairs: (Record<'first' | 'second', number[]> & Omit<PairedDifference, 'first' | 'second'>)[]
  signs: { wins: number; losses: number; p: number }[]
  calibrations: { questions: Agreement[]; auc: number; error: number }[]
}

/** All sub-sets of k of the items. */
function* subsets<T>(items: readonly T[], k: number, from = 0): Generator<T[]> {
  if (k === 0) yield []
  else
    for (let i = from; i <= items.length - k; i++)
      for (const rest of subsets(items, k - 1, i + 1)) yield [items[i], ...rest]
}

function meanOf(values: Iterable<number>): number {
  const list = [...values]
  return list.reduce((a, b) => a + b, 0) / list.length
}

test('intervals of paired differences and sign tests are those of SciPy', () => {
  for (const { first, second, ...expected } of scipy.pairs) {
    const actual = pairedDifference(first, second)
    for (const key of ['difference', 'low', 'high', 'signTest'] as const)
      expect(actual[key]).toBeCloseTo(expected[key] ?? NaN, 12)
    expect(actual).toMatchObject({ rows: first.length, wins: expected.wins, losses: expected.losses })
    expect(actual.second - actual.first).toBeCloseTo(actual.difference, 12)
  }
})

test('the sign test is exact up to thousands of rows', () => {
  for (const { wins, losses, p } of scipy.signs) {
    expect(Math.abs(signTest(wins, losses) / p - 1)).toBeLessThan(1e-9)
    expect(signTest(losses, wins)).toBe(signTest(wins, losses))
  }
  expect(signTest(0, 0)).toBe(1)
})

test('a single pair has no interval, and unequal sides are refused', () => {
  expect(pairedDifference([0], [1])).toMatchObject({ difference: 1, low: null, high: null, signTest: 1 })
  for (const [first, second] of [
    [[], []],
    [[1], [1, 2]],
  ])
    expect(() => pairedDifference(first, second)).toThrow(/as many values on both sides/)
})

test('pass@k is the share of all groups of k samples that hold a right one', () => {
  for (let n = 1; n <= 9; n++)
    for (let correct = 0; correct <= n; correct++)
      for (let k = 1; k <= n; k++) {
        const right = Array.from({ length: n }, (_, i) => i < correct)
        const share = meanOf([...subsets(right, k)].map((group) => (group.includes(true) ? 1 : 0)))
        expect(passAtK(n, correct, k)).toBeCloseTo(share, 12)
      }
})

/** One vote, counted by hand: the mean worth of the answers that are most frequent. */
function votedWorth(samples: readonly { answer: number; correct: number }[]): number {
  const counts = new Map<number, number>()
  for (const { answer } of samples) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  const most = Math.max(...counts.values())
  const winners = [...counts].filter(([, count]) => count === most).map(([answer]) => answer)
  return meanOf(winners.map((answer) => samples.find((sample) => sample.answer === answer)?.correct ?? NaN))
}

sizedTest(
  'majority@k is the mean over all groups of k samples of the worth of their vote',
  { samples: [300, 1000, 20_000] },
  ({ count, seed }) => {
    const worths = [1, 0, 0.25]
    fc.assert(
      fc.property(
        fc.array(fc.record({ count: fc.integer({ min: 1, max: 4 }), correct: fc.constantFrom(...worths) }), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.nat(),
        (answers: AnswerCount[], seed) => {
          const samples = answers.flatMap(({ count, correct }, answer) =>
            Array.from({ length: count }, () => ({ answer, correct })),
          )
          if (samples.length > 12) return
          const k = 1 + (seed % samples.length)
          const expected = meanOf([...subsets(samples, k)].map(votedWorth))
          expect(majorityAtK(answers, k)).toBeCloseTo(expected, 12)
        },
      ),
      { seed, numRuns: count },
    )
  },
)

test('majority@k of 64 samples is quick and within bounds', () => {
  const answers = Array.from({ length: 16 }, (_, i) => ({ count: 4, correct: i === 0 ? 1 : 0 }))
  // By symmetry each of the 16 answers is as likely to win.
  expect(majorityAtK(answers, 32)).toBeCloseTo(1 / 16, 10)
  expect(majorityAtK(answers, 64)).toBeCloseTo(1 / 16, 10)
})

test.each([
  () => passAtK(0, 0, 1),
  () => passAtK(4, 5, 1),
  () => passAtK(4, 2, 5),
  () => passAtK(4, 2, 0),
  () => majorityAtK([], 1),
  () => majorityAtK([{ count: 2, correct: 1 }], 3),
  () => majorityAtK([{ count: 0, correct: 1 }], 1),
  () => calibration([{ agreement: 0, correct: 1 }]),
  () => calibration([{ agreement: 1, correct: 2 }]),
  () => calibration([], { bins: 0 }),
])('arguments out of range are refused: %s', (call) => {
  expect(call).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error)
})

test('calibration error and area under the curve are those of NumPy and SciPy', () => {
  for (const { questions, auc, error } of scipy.calibrations) {
    const actual = calibration(questions)
    expect(actual.auc).toBeCloseTo(auc, 12)
    expect(actual.error).toBeCloseTo(error, 12)
    expect(actual.bins.reduce((sum, bin) => sum + bin.questions, 0)).toBe(questions.length)
  }
})

test('without both right and wrong answers there is no area under the curve', () => {
  expect(calibration([{ agreement: 0.5, correct: 1 }])).toMatchObject({ auc: null, error: 0.5 })
  expect(calibration([])).toEqual({ bins: [], error: 0, auc: null })
})

test('answers that were not understood agree with nothing', () => {
  const not = { key: null, right: false }
  const yes = { key: 'a', right: true }
  const no = { key: 'b', right: false }
  expect(vote([not, yes, not, yes])).toMatchObject({ agreement: 0.5, correct: 1, winners: ['a'] })
  expect(vote([not, not])).toMatchObject({ agreement: 0.5, correct: 0, winners: [null, null] })
  expect(vote([yes, no, no, yes])).toMatchObject({ agreement: 0.5, correct: 0.5, winners: ['a', 'b'] })
})
