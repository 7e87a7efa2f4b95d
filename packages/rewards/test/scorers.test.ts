import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { scorerNames, scorers, type ScorerName } from '../src'

const cases: [
  rule: ScorerName,
  prediction: string,
  references: string[],
  worth: number | null,
  options?: string[],
][] = [
  ['exact', ' Seven\n', ['7', 'seven'], 1],
  ['exact', 'seven.', ['seven'], 0],
  ['exact', '\u00a0 ', ['seven'], null],
  ['relaxed', '14.7', ['14'], 1],
  ['relaxed', '14.8', ['14'], 0],
  ['relaxed', 'YES', ['no', 'yes'], 1],
  ['relaxed', '', ['0'], null],
  ['anls', 'colour', ['color'], 5 / 6],
  ['anls', 'red', ['blue'], 0],
  ['anls', ' ', ['blue'], null],
  ['math', '\\frac{1}{2}', ['3', '0.5'], 1],
  ['math', '\\frac{1}{3}', ['0.5'], 0],
  ['math', '', ['0.5'], null],
  ['choice', 'b', ['B'], 1, ['cat', 'dog']],
  ['choice', 'The answer is (B).', ['dog'], 1, ['cat', 'dog']],
  ['choice', 'It is a cat', ['B'], 0, ['cat', 'dog']],
  ['choice', 'A or B', ['B'], null, ['cat', 'dog']],
  ['choice', 'B', ['B'], null],
]

test.each(cases)('%s: %j against %j is worth %s', (rule, prediction, references, worth, options) => {
  const { score, read } = scorers[rule]
  const found = score(prediction, references, options)
  if (worth === null) expect(found).toBeNull()
  else expect(found).toBeCloseTo(worth, 12)
  expect(read(prediction, options) === null).toBe(worth === null)
})

test('equal readings are equal answers', () => {
  expect(scorers.exact.read(' Red ')).toBe(scorers.exact.read('red'))
  const options = ['cat', 'dog']
  expect(scorers.choice.read('(B)', options)).toBe(scorers.choice.read('the dog', options))
  expect(scorers.choice.read('b', options)).toBe('B')
})

test('without references nothing is right', () => {
  for (const name of scorerNames) expect(scorers[name].score('A', [], ['x', 'y'])).toBe(0)
})

sizedTest(
  'no text makes a rule throw, and a worth lies between 0 and 1',
  { cases: [300, 1000, 20_000] },
  ({ count, seed }) => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc
        .array(
          fc.constantFrom('A', '(B)', '\\frac{', '}', '1', '.5', '%', ' ', '\u0000', '\ud83d', '🚗', ','),
        )
        .map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(
        texts,
        fc.array(texts, { maxLength: 3 }),
        fc.array(texts, { maxLength: 4 }),
        (text, references, options) => {
          for (const name of scorerNames) {
            const worth = scorers[name].score(text, references, options)
            expect(worth === null).toBe(scorers[name].read(text, options) === null)
            if (worth !== null) expect(worth >= 0 && worth <= 1).toBe(true)
          }
        },
      ),
      { seed, numRuns: count },
    )
  },
)
