import { normalizers } from '../src/normalize/normalizers'
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anls, editDistance, inferOption, latexValue, lettered, mathEqual } from '../src'

/** The definition, by recursion. */
function slowDistance(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return a.length + b.length
  const [restA, restB] = [a.slice(1), b.slice(1)]
  if (a[0] === b[0]) return slowDistance(restA, restB)
  return 1 + Math.min(slowDistance(restA, b), slowDistance(a, restB), slowDistance(restA, restB))
}

const characters = fc.array(fc.constantFrom('a', 'b', 'B', '🚗', ' '), { maxLength: 6 })

sizedTest(
  'editDistance is the smallest number of edits of code points',
  { cases: [300, 1000, 50_000] },
  ({ count, seed }) => {
    fc.assert(
      fc.property(characters, characters, (a, b) => {
        expect(editDistance(a.join(''), b.join(''))).toBe(slowDistance(a, b))
      }),
      { seed, numRuns: count },
    )
  },
)

sizedTest(
  'anls is one minus the distance by the longer length, nothing below one half',
  { cases: [500, 2000, 50_000] },
  ({ count, seed }) => {
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
      { seed, numRuns: count },
    )
  },
)

test('anls counts white space in the length only, and two letters for one that upper case spells with two', () => {
  expect(anls('high    school   degree', ['high school'])).toBeCloseTo(1 - 7 / 23, 12)
  expect(anls('🚗🚕', ['🚗'])).toBe(0.5)
  expect(anls('straße', ['strasse'])).toBeCloseTo(1 - 2 / 7, 12)
})

/** A quotient as Python has it: nothing is divided by zero. */
function divided(x: number, y: number): number {
  return y === 0 ? NaN : x / y
}

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
    fc.tuple(tie('node'), tie('node')).map(([[a, x], [b, y]]) => [`(${a}:${b})`, divided(x, y)] as const),
    fc
      .tuple(tie('node'), tie('node'))
      .map(([[a, x], [b, y]]) => [`\\frac{${a}}{${b}}`, divided(x, y)] as const),
    fc
      .tuple(tie('node'), tie('node'))
      .map(([[a, x], [b, y]]) => [`(1/(${a})(${b}))`, divided(1, x * y)] as const),
    tie('node').map(([a, x]) => [`\\sqrt{${a}}`, Math.sqrt(x)] as const),
    tie('node').map(([a, x]) => [`(-${a})`, -x] as const),
    tie('node').map(([a, x]) => [`(${a})^{2}`, x ** 2] as const),
    fc.integer({ min: 0, max: 999 }).map((n) => [`(${n}\\%)`, n / 100] as const),
  ),
}))

sizedTest(
  'latexValue has the value of any expression of its kind, and none where the value is not finite and real',
  { cases: [2000, 5000, 100_000] },
  ({ count, seed }) => {
    fc.assert(
      fc.property(expressions.node, ([latex, value]) => {
        const read = latexValue(latex)
        if (!Number.isFinite(value)) expect(read).toBeUndefined()
        else expect(Math.abs((read ?? NaN) - value)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)))
      }),
      { seed, numRuns: count },
    )
  },
)

test('latexValue reads a thousand tokens and no more', () => {
  expect(latexValue(`${'1+'.repeat(499)}12`)).toBe(511)
  expect(latexValue(`${'1+'.repeat(499)}1!`)).toBe(500)
  expect(latexValue(`${'1+'.repeat(499)}1!!`)).toBeUndefined()
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

// The values that latex2sympy2 and Python gave.
test.each([
  ['5.', 5],
  ['5}abc', 5],
  ['7_7^2', 7],
  ['2^{3}_4', 8],
  ['5!^{\\circ}', 120],
  ['2^3^2', 64],
  ['6e^2', 6 * Math.exp(2)],
  ['1e3', undefined],
  ['e', undefined],
  ['-2^2', -4],
  ['8\\%', 0.08],
  ['[3](2)', 6],
  ['\\left(3\\right)\\left[2\\right]', 6],
  ['\\binom{5}{2}', 10],
  ['\\lfloor 9.87 \\rfloor', 9],
  ['\\cos_2 94', Math.cos(94)],
  ['\\sin(2)3', 3 * Math.sin(2)],
  ['\\log_2(8)', 3],
  ['\\log 5', Math.log10(5)],
  ['\\ln_2 6', Math.log2(6)],
  ['(50)\\%', undefined],
  ['\\$5', undefined],
  ['\\ln(2)', undefined],
  ['2^(3)', undefined],
  ['2^-1', undefined],
  ['5°', undefined],
  ['1/(2-2)', undefined],
  ['(2.5)!', undefined],
  ['', undefined],
])('latexValue of %s is %d', (latex, value) => {
  if (value === undefined) expect(latexValue(latex)).toBeUndefined()
  else expect(latexValue(latex)).toBeCloseTo(value, 12)
})

test('the elements of a tuple are equal as Python prints them', () => {
  expect(mathEqual('(2, 3)', '(2.0,3)')).toBe(true)
  expect(mathEqual('(2,3)', '(\\frac{4}{2},3)')).toBe(false)
  expect(mathEqual('(\\sqrt{4},3)', '(\\frac{4}{2},3)')).toBe(true)
  expect(mathEqual('(-\\infty,4/2]', '(-\\infty,2.0]')).toBe(false)
  expect(mathEqual('[-\\infty,\\frac{1}{2}]', '[-\\infty,0.5]')).toBe(true)
  expect(mathEqual('( -\\infty,1)', '(-\\infty,1)')).toBe(false)
})

test.each([
  ['\\sin{0}', 0],
  ['\\cos{0}', 1],
  ['\\tan{0}', 0],
  ['\\cos^{-1}{1}', 0],
  ['\\sin^{-1}{0}', 0],
  ['\\tan^{-1}{0}', 0],
  ['\\log{100}', 2],
  ['\\log_{2}{8}', 3],
  ['\\ln_{2}{8}', 3],
  ['\\exp{2}', Math.E ** 2],
])('%s has its value', (text, value) => {
  expect(latexValue(text)).toBeCloseTo(value, 12)
})

test.each(['\\ln{5}', '\\exp{1}', '\\frac{1}{0}', '\\sqrt{-1}', '1 +', '?'])(
  '%s has none that Python knows',
  (text) => {
    expect(latexValue(text)).toBeUndefined()
  },
)

test.each(Object.entries(normalizers))('%s normalises by its name', (_, normalize) => {
  expect(normalize(' 5 ')).toBe('5')
})
