/** What is watched, against counting: every subset of answers is taken in turn. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dynamics, type MonitoredQuestion } from '../src'

type Answer = MonitoredQuestion['answers'][number]

const answer = (reading: string | null, right: boolean, more: Partial<Answer> = {}): Answer => ({
  ...{ reading, right, count: 1, score: null, tokens: 10, steps: 2 },
  ...more,
})

/** All subsets of `k` places out of `n`. */
function subsets(n: number, k: number): number[][] {
  if (k === 0) return [[]]
  if (n < k) return []
  return [...subsets(n - 1, k), ...subsets(n - 1, k - 1).map((rest) => [...rest, n - 1])]
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

test('two questions of four answers, by hand', () => {
  const found = dynamics([
    {
      greedy: false,
      answers: [
        answer('7', true, { score: 0.2, tokens: 8, steps: 1 }),
        answer('5', false, { count: 2, score: 0.6, tokens: 12, steps: 3 }),
        answer(null, false, { score: 0.1, tokens: 20, steps: 5 }),
      ],
    },
    { greedy: true, answers: [answer('3', true, { count: 4, score: 0.9 })] },
  ])
  expect(found).toMatchObject({ questions: 2, greedy: 0.5, majority: 0.5, weightedMajority: 0.5 })
  // One of four is right: pass@1 1/4, pass@2 1 - 3/4 2/3, pass@4 1.
  expect([...found.pass]).toEqual([
    [1, (0.25 + 1) / 2],
    [2, (0.5 + 1) / 2],
    [4, 1],
  ])
  expect(found.headroom).toBe(0.5)
  // The two best of the first question are 5 and 7.
  expect(found.rewardPass2).toBe(1)
  expect(found.tokens).toBe((8 + 24 + 20 + 40) / 8)
  expect(found.steps).toBe((1 + 6 + 5 + 8) / 8)
  expect([found.noneRight, found.allRight]).toEqual([0, 0.5])
})

test('without scores nothing is said that needs them', () => {
  const found = dynamics([{ greedy: true, answers: [answer('3', true)] }])
  expect([found.rewardPass2, found.weightedMajority]).toEqual([NaN, NaN])
  expect(found.majority).toBe(1)
})

test('pass@k is the share of subsets with a right answer; votes weigh as they should', () => {
  const question = fc.record({
    greedy: fc.boolean(),
    drawn: fc.array(
      fc.record({ reading: fc.constantFrom('a', 'b', 'c', null), score: fc.integer({ min: 0, max: 9 }) }),
      {
        minLength: 6,
        maxLength: 6,
      },
    ),
  })
  fc.assert(
    fc.property(fc.array(question, { minLength: 1, maxLength: 4 }), (questions) => {
      const right = (reading: string | null) => reading === 'a'
      const found = dynamics(
        questions.map(({ greedy, drawn }) => ({
          greedy,
          answers: drawn.map(({ reading, score }) => answer(reading, right(reading), { score })),
        })),
      )
      expect([...found.pass.keys()]).toEqual([1, 2, 4, 6])
      for (const [k, value] of found.pass) {
        const shares = questions.map(({ drawn }) =>
          mean(subsets(6, k).map((places) => Number(places.some((place) => right(drawn[place].reading))))),
        )
        expect(value).toBeCloseTo(mean(shares), 12)
      }
      const winner = ({ drawn }: (typeof questions)[number], weight: (score: number) => number) => {
        const readings = [...new Set(drawn.flatMap(({ reading }) => reading ?? []))]
        const sums = readings.map((reading) =>
          drawn.reduce((sum, each) => sum + (each.reading === reading ? weight(each.score) : 0), 0),
        )
        return readings[sums.indexOf(Math.max(...sums))]
      }
      expect(found.majority).toBeCloseTo(
        mean(questions.map((each) => Number(winner(each, () => 1) === 'a'))),
        12,
      )
      expect(found.weightedMajority).toBeCloseTo(
        mean(questions.map((each) => Number(winner(each, (score) => score) === 'a'))),
        12,
      )
    }),
    { seed: 3, numRuns: 200 },
  )
})
