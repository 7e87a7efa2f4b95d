import { expect, test } from 'vitest'
import { cleanAnswer } from '../src/scoring/clean-answer'
import { drawLetter } from '../src/scoring/draw-letter'
import { judgeVerdict } from '../src/scoring/judge-verdict'
import { ruleBasedMathVista, type MathVistaRow } from '../src/scoring/mathvista-answer'

test.each([
  ['\\boxed{\\frac{1}{2}}', '\\frac{1}{2}'],
  ['so \\boxed{ \\text{C} } and \\boxed{D}', '\\text{C}'],
  ['\\boxed{\\{1, 2\\}}', '\\{1, 2\\}'],
  ['\\boxed{{1}', '\\boxed{{1}'],
  ['<answer>\\boxed{7}</answer>', '\\boxed{7}'],
])('outside of compat %j is cleaned to the brace that closes the box: %j', (raw, cleaned) => {
  expect(cleanAnswer(raw, { mode: 'fixed' })).toBe(cleaned)
  expect(cleanAnswer(raw, { mode: 'rule-based' })).toBe(cleaned)
})

test('outside of compat a verdict is exactly 0 or 1', () => {
  const read = (reply: string) => judgeVerdict(reply, { strict: true })
  expect([' 1\n', '0', '10', 'Score: 1', '', 'yes'].map(read)).toEqual([true, false, ...Array<undefined>(4)])
})

test('drawn letters depend on seed and row alone and are about equally frequent', () => {
  const letters = ['A', 'B', 'C', 'D']
  const rows = Array.from({ length: 4000 }, (_, index) => `validation_Math_${index}`)
  const drawn = rows.map((row) => drawLetter(letters, 7, row))
  expect(rows.map((row) => drawLetter(letters, 7, row))).toEqual(drawn)
  expect(rows.map((row) => drawLetter(letters, 8, row))).not.toEqual(drawn)
  // Standard deviation of each count: 27.
  for (const letter of letters)
    expect(Math.abs(drawn.filter((one) => one === letter).length - 1000)).toBeLessThan(4 * 27.4)
})

const row = (fields: Partial<MathVistaRow>): MathVistaRow => ({
  choices: [],
  multiChoice: false,
  answerType: 'integer',
  precision: undefined,
  answer: '',
  ...fields,
})

test.each([
  ['The number is 14.', '14'],
  ['14 apples', '14'],
  ['Of 20 children 5 left, so 1,200 remain', '1200'],
  ['$1,200', '1200'],
  ['about 60%', '60'],
  ['It falls to -3.', '-3'],
  ['x-ray 7', '7'],
  ['none', undefined],
  ['', undefined],
])('without a judge the integer in %j is %s', (answer, parsed) => {
  expect(ruleBasedMathVista(answer, row({}))).toBe(parsed)
})

test('without a judge floats are rounded, letters and texts name choices, and the last list is one', () => {
  expect(ruleBasedMathVista('It is 1.26 m', row({ answerType: 'float', precision: 1 }))).toBe('1.3')
  const choices = row({ multiChoice: true, choices: ['blue', 'light blue', 'green'] })
  expect(ruleBasedMathVista('(B) light blue', choices)).toBe('light blue')
  expect(ruleBasedMathVista('(A) is too dark and (C) not blue, so it must be (B)', choices)).toBe(
    'light blue',
  )
  expect(ruleBasedMathVista('It is green', choices)).toBe('green')
  expect(ruleBasedMathVista('', choices)).toBeUndefined()
  expect(ruleBasedMathVista('not [1,2] but [2007,2008]', row({ answerType: 'list' }))).toBe('[2007, 2008]')
})
