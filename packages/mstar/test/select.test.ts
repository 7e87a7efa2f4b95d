/** Steps, scores, selections and votes, beside small computations of another kind. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  answerScore,
  balancePairs,
  chooseAlpha,
  EvolmmError,
  selectAnswers,
  splitSteps,
  weightedVote,
  type ScoredAnswer,
  type Selection,
  type StepRule,
} from '../src'

test.each<[StepRule, string, string[]]>([
  ['lines', 'Read 2.\nRead 5.\nThe answer is 7.', ['Read 2.\n', 'Read 5.\n', 'The answer is 7.']],
  ['lines', '\n\nRead 2.\n\n\nThe answer is 7.\n \n', ['\n\nRead 2.\n', '\n\nThe answer is 7.\n \n']],
  ['lines', 'One line.', ['One line.']],
  ['lines', ' \n ', []],
  ['lines', '', []],
  ['sentences', 'It is 2.5 cm. Then 5! So?\n7', ['It is 2.5 cm.', ' Then 5!', ' So?', '\n7']],
  ['sentences', 'E.g. this one. And that.', ['E.g. this one.', ' And that.']],
])('by %s, %j has the steps %j', (rule, text, steps) => {
  const ends = splitSteps(text, rule)
  expect(ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end))).toEqual(steps)
})

test('steps are the text in order, each with something in it', () => {
  const piece = fc.constantFrom('a', ' ', '\n', '. ', '3.5', '? B', '!', '\u00a0')
  fc.assert(
    fc.property(fc.array(piece), fc.constantFrom<StepRule>('lines', 'sentences'), (pieces, rule) => {
      const text = pieces.join('')
      const ends = splitSteps(text, rule)
      expect(ends.at(-1) ?? 0).toBe(text.trim() === '' ? 0 : text.length)
      for (const [i, end] of ends.entries()) expect(text.slice(ends[i - 1] ?? 0, end).trim()).not.toBe('')
    }),
    { seed: 1, numRuns: 500 },
  )
})

test('a million empty lines are split in time that grows with them alone', () => {
  expect(splitSteps(`a${'\n'.repeat(2 ** 20)}b. ${' '.repeat(2 ** 20)}`, 'sentences')).toHaveLength(2)
})

test('an answer is as good as its weakest step', () => {
  expect(answerScore([0.9, 0.2, 0.7])).toBe(0.2)
  expect(answerScore([])).toBeNull()
  expect(() => answerScore([0.9, NaN])).toThrow(EvolmmError)
})

const drawn: ScoredAnswer[] = [
  { right: true, score: 0.5 },
  { right: false, score: 0.9 },
  { right: true, score: 0.8 },
  { right: true, score: 0.5 },
  { right: null, score: 1 },
  { right: true, score: 0.6 },
]

test.each<[Selection, number[]]>([
  [{ rule: 'none' }, [0, 2, 3, 5]],
  [{ rule: 'top-k', k: 1 }, [2]],
  [{ rule: 'top-k', k: 2 }, [2, 5]],
  [{ rule: 'top-k', k: 3 }, [0, 2, 5]],
  [{ rule: 'top-k', k: 9 }, [0, 2, 3, 5]],
  [{ rule: 'threshold', alpha: 0.5 }, [2, 5]],
  [{ rule: 'threshold', alpha: 0.9 }, []],
])('%j keeps %j', (selection, kept) => {
  expect(selectAnswers(drawn, selection)).toEqual(kept)
})

test.each<[string, Parameters<typeof chooseAlpha>[0], number]>([
  // Above 0.3 are both right ones and one wrong one of two; above 0.6 one right one and none of the wrong ones.
  [
    'the most right ones with the fewest wrong ones',
    [
      { right: true, score: 0.95 },
      { right: true, score: 0.65 },
      { right: false, score: 0.65 },
      { right: false, score: 0.3 },
    ],
    0.3,
  ],
  [
    'the number of times that an answer was drawn',
    [
      { right: true, score: 0.85, count: 3 },
      { right: true, score: 0.25 },
      { right: false, score: 0.65, count: 3 },
      { right: false, score: 0.15 },
    ],
    0.7,
  ],
  ['nothing wrong', [{ right: true, score: 0.55 }], 0],
  ['nothing known', [{ right: null, score: null }], 0],
  ['nothing right', [{ right: false, score: 0.45 }], 0.5],
  ['no answers', [], 0],
])('a threshold chosen by %s', (_, answers, alpha) => {
  expect(chooseAlpha(answers)).toBe(alpha)
})

test('a threshold is chosen as trying all of them does', () => {
  const answer = fc.record({
    right: fc.boolean(),
    score: fc.double({ min: -0.5, max: 1.5, noNaN: true }),
    count: fc.integer({ min: 1, max: 5 }),
  })
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 12 }), (answers) => {
      const drawn = answers.flatMap((one) => Array.from({ length: one.count }, () => one))
      const share = (right: boolean, alpha: number) => {
        const all = drawn.filter((one) => one.right === right)
        return all.length === 0 ? 0 : all.filter(({ score }) => score > alpha).length / all.length
      }
      const worth = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => share(true, i / 10) - share(false, i / 10))
      expect(chooseAlpha(answers)).toBe(worth.indexOf(Math.max(...worth)) / 10)
    }),
    { seed: 3, numRuns: 200 },
  )
  expect(() => chooseAlpha([{ right: true, score: null }])).toThrow(/must have a score of each answer/)
})

test('by chance every right answer is kept equally often, and the same ones for the same question', () => {
  const counts = drawn.map(() => 0)
  const rounds = 3000
  for (let question = 0; question < rounds; question++) {
    const selection = { rule: 'random-k', k: 2, seed: 5, question } as const
    const kept = selectAnswers(drawn, selection)
    expect(kept).toHaveLength(2)
    expect(selectAnswers(drawn, selection)).toEqual(kept)
    for (const place of kept) counts[place]++
  }
  expect([counts[1], counts[4]]).toEqual([0, 0])
  // Half of 3000 draws, with a standard deviation of 27.
  for (const place of [0, 2, 3, 5]) expect(Math.abs(counts[place] - rounds / 2)).toBeLessThan(140)
})

test('what has no score cannot be ranked, and can be kept', () => {
  const unscored = [{ right: true, score: null }]
  expect(selectAnswers(unscored, { rule: 'none' })).toEqual([0])
  for (const selection of [
    { rule: 'top-k', k: 1 },
    { rule: 'threshold', alpha: 0 },
  ] as const)
    expect(() => selectAnswers(unscored, selection)).toThrow(
      /must have a score of each right answer, got null/,
    )
  expect(() => selectAnswers(drawn, { rule: 'best' } as never)).toThrow('selection.rule: must be one of')
})

test.each<[Parameters<typeof weightedVote>[0], string | null]>([
  [[], null],
  [[{ reading: null, weight: 9 }], null],
  [
    [
      { reading: '7', weight: 0.4 },
      { reading: '5', weight: 0.3 },
      { reading: '5', weight: 0.2 },
    ],
    '5',
  ],
  [
    [
      { reading: '7', weight: 0.4, count: 2 },
      { reading: '5', weight: 0.7 },
    ],
    '7',
  ],
  [
    [
      { reading: '5', weight: 1 },
      { reading: '7', weight: 1 },
    ],
    '5',
  ],
  [
    [
      { reading: '5', weight: -3 },
      { reading: '7', weight: 0 },
    ],
    '5',
  ],
  [
    [
      { reading: 'constructor', weight: 1 },
      { reading: '__proto__', weight: 2 },
    ],
    '__proto__',
  ],
])('the vote of %j is %j', (answers, winner) => {
  expect(weightedVote(answers)).toBe(winner)
})

test('pairs are balanced in all four kinds, drawn from all of them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ right: fc.boolean(), choice: fc.boolean() }), { maxLength: 40 }),
      fc.nat(30),
      fc.nat(99),
      (answers, size, seed) => {
        const places = balancePairs(answers, { size, seed })
        expect(balancePairs(answers, { size, seed })).toEqual(places)
        expect(places).toEqual([...new Set(places)].sort((a, b) => a - b))
        const kindsOf = (some: typeof answers) => {
          const counts = new Map<string, number>()
          for (const { right, choice } of some)
            counts.set(`${right} ${choice}`, (counts.get(`${right} ${choice}`) ?? 0) + 1)
          return counts
        }
        const there = kindsOf(answers)
        const choices = new Set(answers.map(({ choice }) => choice))
        const cells = [...choices].flatMap((choice) => [true, false].map((right) => `${right} ${choice}`))
        const least = Math.min(...cells.map((cell) => there.get(cell) ?? 0), Math.floor(size / cells.length))
        const taken = kindsOf(places.map((place) => answers[place]))
        for (const cell of cells) expect(taken.get(cell) ?? 0).toBe(answers.length === 0 ? 0 : least)
      },
    ),
    { seed: 2, numRuns: 300 },
  )
})
