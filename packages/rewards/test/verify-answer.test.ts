/** Final answers of texts that reason, and whether they are right. */
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { finalAnswer, verifyAnswer, type VerifyOptions } from '../src'

test.each([
  ['<answer>7</answer>', '7'],
  ['First <answer>3</answer>, no: <answer> 7. </answer>', '7'],
  ['The answer is 3. <answer>7</answer>', '7'],
  ['The answer is 3. <answer>7', null],
  ['<answer></answer>', null],
  ['Two and five are \\boxed{7}.', '7'],
  ['\\boxed{3}, then \\boxed{\\frac{1}{2}}', '\\frac{1}{2}'],
  ['\\boxed{3}, then \\boxed{\\frac{1', '3'],
  ['\\boxed{\\{1, 2\\}}', '\\{1, 2\\}'],
  ['\\boxed{', null],
  ['The answer is \\boxed{7}', '7'],
  ['Reading: 2 and 5.\nThe answer is 7.', '7'],
  ['The answer is 2.\nSo the answer is 7', '7'],
  ['The final answer is: **7.5**.', '7.5'],
  ['Answer: (B)', '(B)'],
  ['Answer : .5', '.5'],
  ['The answer is $\\frac{1}{2}$.', '\\frac{1}{2}'],
  ['The answers are many.', null],
  ['7', null],
  ['', null],
  ['the answer is', null],
])('the final answer of %j is %j', (output, answer) => {
  expect(finalAnswer(output)).toBe(answer)
})

const bars: VerifyOptions = { answers: ['B'], options: ['red', 'blue', 'green'] }

const numbers: VerifyOptions = { answers: ['2'], options: ['1', '2', '7'] }

test.each<[string, VerifyOptions, string | null, boolean | null]>([
  ['The answer is B.', bars, 'B', true],
  ['The answer is (B) blue.', bars, 'B', true],
  ['The answer is blue', bars, 'B', true],
  ['The answer is b', { ...bars, answers: ['blue'] }, 'B', true],
  ['The answer is green', bars, 'C', false],
  ['The answer is red or blue', bars, null, false],
  ['It is blue', bars, null, false],
  ['The answer is 12.', numbers, null, false],
  ['The answer is 2.', numbers, 'B', true],
  ['The answer is 2.0 cm.', numbers, 'B', true],
  ['The answer is two.', numbers, 'B', true],
  ['The answer is b) 2.', numbers, 'B', true],
  ['The answer is option (B).', numbers, 'B', true],
  ['The answer is 2, not 7.', numbers, null, false],
  ['The answer is D.', numbers, null, false],
  ['The answer is about 7 metres.', numbers, 'C', false],
  ['The answer is 77.', { ...numbers, scorer: 'choice' }, 'C', false],
  ['The answer is A dog.', { answers: ['C'], options: ['cat', 'cow', 'a dog'] }, 'C', true],
  ['The answer is seven', { answers: ['7'] }, '7', true],
  ['The answer is 7.0 cm', { answers: ['7'] }, '7', true],
  ['The answer is 1,200', { answers: ['1200'] }, '1200', true],
  ['The answer is \\boxed{\\frac{1}{2}}', { answers: ['0.5'] }, '0.5', true],
  ['The answer is 7', { answers: ['8', '7'] }, '7', true],
  ['The answer is 7', { answers: null }, '7', null],
  ['I do not know', { answers: ['7'] }, null, false],
  ['I do not know', { answers: null }, null, null],
  ['The answer is 14.6', { answers: ['14'], scorer: 'relaxed' }, '14.6', true],
  ['The answer is 14.6', { answers: ['14'] }, '14.6', false],
  ['The answer is a constructor', { answers: ['constructor'] }, 'constructor', true],
  ['The answer is __proto__', { answers: ['7'] }, 'proto', false],
])('%j for %j reads %j', (output, options, reading, right) => {
  expect(verifyAnswer(output, options)).toMatchObject({ reading, right })
})

test('a rule that is none is refused', () => {
  expect(() => verifyAnswer('7', { answers: ['7'], scorer: 'guess' as never })).toThrow(
    'scorer: must be one of',
  )
  expect(() => verifyAnswer('7', { answers: '7' as never })).toThrow('answers')
})

sizedTest(
  'whatever a model writes is verified without an error, and equal texts alike',
  { outputs: [300, 3000, 50_000] },
  ({ count, seed }) => {
    const piece = fc.oneof(
      fc.constantFrom('<answer>', '</answer>', '\\boxed{', '{', '}', '\\', 'The answer is ', 'answer:', '\n'),
      fc.constantFrom('constructor', '__proto__', 'toString', '7', '7.0', 'B', '(C)', '$', '.', '**'),
      fc.string({ maxLength: 8 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, hasOptions) => {
        const output = pieces.join('')
        const options = hasOptions ? ['red', 'blue', 'green'] : []
        const found = verifyAnswer(output, { answers: ['7', 'B'], options })
        expect(verifyAnswer(output, { answers: ['7', 'B'], options })).toEqual(found)
        if (found.reading === null) expect(found.right).toBe(false)
        if (found.answer === null) expect(found.reading).toBeNull()
        else expect(output).toContain(found.answer)
      }),
      { seed, numRuns: count },
    )
  },
)
