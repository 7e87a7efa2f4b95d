import { expect, test } from 'vitest'
import { answerShares, sharesHaveRisen, type AskedQuestion } from '../src/index'

const asked = (text: string, ...answers: (string | null)[]): AskedQuestion[] =>
  answers.map((majority) => ({ text, majority }))

test('the share of the most frequent answer, of each text that was asked at least five times', () => {
  const shares = answerShares([
    ...asked('How many?', '3', '3', '4', '3'),
    ...asked('Which?', 'red', 'red', 'blue', null, 'red'),
    ...asked('Where?', 'left', 'left', 'left', 'left', 'left'),
  ])
  expect(shares).toEqual({
    shares: [
      { text: 'Which?', count: 5, share: 0.6 },
      { text: 'Where?', count: 5, share: 1 },
    ],
    mean: 0.8,
    count: 10,
  })
  expect(answerShares([])).toEqual({ shares: [], mean: null, count: 0 })
})

/** `count` answers to a text, `same` of them alike and the others all different. */
const window = (text: string, count: number, same: number) =>
  answerShares(asked(text, ...Array.from({ length: count }, (_, i) => (i < same ? 'same' : `other ${i}`))))

test.each([
  // The pooled share is 0.65, its error sqrt(0.65 x 0.35 x 2 / 40) = 0.107.
  [40, 14, 40, true],
  [40, 14, 34, true],
  // 0.425 is less than four errors of 0.112.
  [40, 14, 31, false],
  // A rise below 0.2 is none, however certain.
  [4000, 2000, 2760, false],
  [4000, 2000, 2840, true],
  [40, 14, 10, false],
])('of %i questions %i and later %i had one answer: risen %s', (count, before, after, expected) => {
  expect(sharesHaveRisen(window('a', count, after), window('a', count, before))).toBe(expected)
})

test('one text that turns constant is enough, and texts that are new say nothing', () => {
  const others = Array.from({ length: 10 }, (_, i) => asked(`text ${i}`, ...Array.from('abcdefghij'))).flat()
  const text = (same: number) =>
    asked('x', ...Array.from({ length: 40 }, (_, i) => (i < same ? 'y' : `${i}`)))
  expect(
    sharesHaveRisen(answerShares([...others, ...text(40)]), answerShares([...others, ...text(10)])),
  ).toBe(true)
  expect(sharesHaveRisen(answerShares(asked('new', ...Array.from('yyyyyyyy'))), answerShares([]))).toBe(false)
})
