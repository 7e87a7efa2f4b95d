import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anls } from '../src/scoring/anls'
import { cleanAnswer } from '../src/scoring/clean-answer'
import { drawLetter } from '../src/scoring/draw-letter'
import { editDistance } from '../src/scoring/edit-distance'
import { inferOption, lettered } from '../src/scoring/infer-option'
import { judgeVerdict } from '../src/scoring/judge-verdict'
import { latexValue } from '../src/scoring/latex-value'
import { ruleBasedMathVista, type MathVistaRow } from '../src/scoring/mathvista-answer'

/** The definition, by recursion. */
function slowDistance(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return a.length + b.length
  const [restA, restB] = [a.slice(1), b.slice(1)]
  if (a[0] === b[0]) return slowDistance(restA, restB)
  return 1 + Math.min(slowDistance(restA, b), slowDistance(a, restB), slowDistance(restA, restB))
}

const characters = fc.array(fc.constantFrom('a', 'b', 'B', '🚗', ' '), { maxLength: 6 })

test('editDistance is the smallest number of edits of code points', () => {
  fc.assert(
    fc.property(characters, characters, (a, b) => {
      expect(editDistance(a.join(''), b.join(''))).toBe(slowDistance(a, b))
    }),
    { seed: 1, numRuns: 300 },
  )
})

test('anls is one minus the distance by the longer length, nothing below one half', () => {
  const visible = characters.map((list) => list.map((character) => (character === ' ' ? '_' : character)))
  fc.assert(
    fc.property(visible, fc.array(visible, { minLength: 1, maxLength: 3 }), (prediction, answers) => {
      const low = (list: string[]) => list.map((character) => character.toLowerCase())
      const similarity = answers.map((answer) => {
        const length = Math.max(answer.length, prediction.length)
        return length === 0 ? 1 : 1 - slowDistance(low(answer), low(prediction)) / length
      })
      const best = Math.max(...similarity)
      const texts = answers.map((answer) => answer.join(''))
      expect(anls(prediction.join(''), texts)).toBeCloseTo(best < 0.5 ? 0 : best, 12)
    }),
    { seed: 2, numRuns: 500 },
  )
})

test('anls counts white space in the length only, and two letters for one that upper case spells with two', () => {
  expect(anls('high    school   degree', ['high school'])).toBeCloseTo(1 - 7 / 23, 12)
  expect(anls('🚗🚕', ['🚗'])).toBe(0.5)
  expect(anls('straße', ['strasse'])).toBeCloseTo(1 - 2 / 7, 12)
})

/** Expressions with their values, each a LaTeX atom in brackets or a command. */
const expressions = fc.letrec<{ node: readonly [string, number] }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: 0, max: 999 }).map((n) => [String(n), n] as const),
    fc.integer({ min: 1, max: 99_999 }).map((n) => [(n / 100).toFixed(2), n / 100] as const),
    fc.constant(['\\pi', Math.PI] as const),
    fc.integer({ min: 1000, max: 999_999 }).map((n) => [n.toLocaleString('en-US'), n] as const),
    fc.tuple(tie('node'), tie('node')).map(([[a, x], [b, y]]) => [`(${a}+${b})`, x + y] as const),
    fc.tuple(tie('node'), tie('node')).map(([[a, x], [b, y]]) => [`{${a} - ${b}}`, x - y] as const),
    fc.tuple(tie('node'), tie('node')).map(([[a, x], [b, y]]) => [`(${a}\\times ${b})`, x * y] as const),
    fc.tuple(tie('node'), tie('node')).map(([[a, x], [b, y]]) => [`(${a}:${b})`, x / y] as const),
    fc.tuple(tie('node'), tie('node')).map(([[a, x], [b, y]]) => [`\\frac{${a}}{${b}}`, x / y] as const),
    fc.tuple(tie('node'), tie('node')).map(([[a, x], [b, y]]) => [`(1/(${a})(${b}))`, 1 / (x * y)] as const),
    tie('node').map(([a, x]) => [`\\sqrt{${a}}`, Math.sqrt(x)] as const),
    tie('node').map(([a, x]) => [`(-${a})`, -x] as const),
    tie('node').map(([a, x]) => [`(${a})^{2}`, x ** 2] as const),
    tie('node').map(([a, x]) => [`(${a}\\%)`, x / 100] as const),
  ),
}))

test('latexValue has the value of any expression of its kind, and none where the value is not finite and real', () => {
  fc.assert(
    fc.property(expressions.node, ([latex, value]) => {
      const read = latexValue(latex)
      if (!Number.isFinite(value)) expect(read).toBeUndefined()
      else expect(Math.abs((read ?? NaN) - value)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)))
    }),
    { seed: 3, numRuns: 2000 },
  )
})

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

test('latexValue reads a thousand tokens and no more', () => {
  expect(latexValue(`${'1+'.repeat(499)}12`)).toBe(511)
  expect(latexValue(`${'1+'.repeat(499)}1!`)).toBe(500)
  expect(latexValue(`${'1+'.repeat(499)}1!!`)).toBeUndefined()
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

test.each([
  ['The answer is B because all of the other options are wrong', 'B'],
  ['The answer is: (C), for reasons that take more than four words', 'C'],
  ['B is what I first thought, but I do not know', undefined],
  ['A or B', undefined],
  ['the cat', 'A'],
])('inferOption reads %j as %s', (answer, letter) => {
  expect(inferOption(answer, lettered(['cat', 'dog', 'elephant', 'hippopotamus with a hat']))).toBe(letter)
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
