/** A model may write "constructor" anywhere: to every parser of texts it is a word like any other. */
import { inheritedWords, sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  extractTag,
  groupStatistics,
  inferOption,
  latexValue,
  lettered,
  mathEqual,
  normalizeCanonical,
  normalizeReleased,
  parseAnswer,
  parseQuestion,
  relaxedMatch,
  scorerNames,
  scorers,
  wordsBeforeAnswer,
} from '../src'

test.each(inheritedWords)('%s is text in a number', (word) => {
  expect(normalizeCanonical(`five ${word} thousand`)).toBe(`five ${word} thousand`.toLowerCase())
  expect(normalizeCanonical(`$5 ${word}`)).toBe(`$5 ${word}`.toLowerCase().replace(/_+$/, ''))
  expect(normalizeCanonical(`one ${word} and`)).toBe(`one ${word} and`.toLowerCase())
})

/** What the rules look for, and the places where a word may stand. */
const pieces = [
  ...['five', 'twenty', 'hundred', 'thousand', 'point', 'half', 'and', 'a ', 'the ', 'minus ', 'million'],
  ...[
    '5',
    '1,200',
    '.5',
    '$',
    '€',
    '%',
    'km',
    ' per ',
    'square ',
    '-',
    '/',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '"',
  ],
  ...['\\boxed{', '\\text{', '\\frac', '\\sqrt', '^', ',', ':', '=', '\n', ' ', ' ', ' ', '. '],
  ...['<answer>', '</answer>', '<question>', '</question>', '<rationale>', '</rationale>', 'answer is '],
]

/** Each reads a text, or several. What counts letters (`anls`) cannot treat two words alike. */
const readers: Record<string, (text: string, other: string) => unknown> = {
  normalizeCanonical: (text) => normalizeCanonical(text),
  kept: (text) => normalizeCanonical(text, { currency: 'keep', units: 'keep', percent: 'number' }),
  normalizeReleased: (text) => normalizeReleased(text),
  extractTag: (text) => extractTag(text, 'answer'),
  parseAnswer: (text) => parseAnswer(text),
  parseQuestion: (text) => parseQuestion(text),
  wordsBeforeAnswer: (text) => wordsBeforeAnswer(text),
  latexValue: (text) => latexValue(text),
  mathEqual: (text, other) => mathEqual(text, other),
  relaxedMatch: (text, other) => relaxedMatch(text, other),
  inferOption: (text, other) => inferOption(text, lettered([other, text, 'five'])),
  groupStatistics: (text, other) =>
    groupStatistics([text, other, text].map((each) => normalizeCanonical(each))),
  ...Object.fromEntries(
    scorerNames
      .filter((name) => name !== 'anls')
      .map((name) => [
        `scorers.${name}`,
        (text: string, other: string) => scorers[name].score(text, [other, text], [text, other]),
      ]),
  ),
}

sizedTest(
  'no reader of texts knows the names of every object',
  { texts: [3000, 10_000, 300_000] },
  ({ count, seed }) => {
    const pair = fc.constantFrom(...inheritedWords)
    const holes = fc.array(
      fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...pieces) }, fc.constant(null)),
      {
        maxLength: 8,
      },
    )
    fc.assert(
      fc.property(
        pair,
        holes,
        holes,
        fc.constantFrom(...Object.values(readers)),
        ([word, plain], a, b, read) => {
          const written = (as: string) => [a, b].map((parts) => parts.map((part) => part ?? as).join(' '))
          const [first, second] = [written(word), written(plain)].map(([text, other]) =>
            JSON.stringify(read(text, other)),
          )
          // Names lose their case, and underscores at their ends are punctuation.
          const forget = (result: string | undefined, from: string) =>
            result?.toLowerCase().replaceAll('_', '').replaceAll(from.toLowerCase().replaceAll('_', ''), '?')
          expect(forget(first, word)).toBe(forget(second, plain))
        },
      ),
      { seed, numRuns: count },
    )
  },
)
