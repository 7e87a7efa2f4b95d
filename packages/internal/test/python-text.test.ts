/** Oracle: Python itself, see fixtures/make-python-texts.py. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { floatText, parseFloatText, parseIntText, roundPlaces } from '../src/python-number'
import { strip, words } from '../src/python-text'

const python = JSON.parse(readFileSync(new URL('fixtures/python-texts.json', import.meta.url), 'utf8')) as {
  parsed: [text: string, float: string | null, int: string | null][]
  written: [repr: string, text: string][]
  rounded: [repr: string, places: number, repr: string][]
  spaced: [text: string, stripped: string, words: string[]][]
}

test.each(python.parsed)('%j is read as the number that Python reads', (text, float, int) => {
  const value = parseFloatText(text)
  expect(value === undefined ? null : floatText(value)).toBe(float)
  expect(parseIntText(text)?.toString() ?? null).toBe(int)
})

test('floatText writes doubles as Python does', () => {
  for (const [repr, text] of python.written) expect(floatText(Number(repr))).toBe(text)
})

test('roundPlaces rounds as Python does', () => {
  for (const [repr, places, rounded] of python.rounded)
    expect([repr, places, floatText(roundPlaces(Number(repr), places))]).toEqual([repr, places, rounded])
})

test.each(python.spaced)('%j is stripped and split as in Python', (text, stripped, split) => {
  expect(strip(text)).toBe(stripped)
  expect(words(text)).toEqual(split)
})

test('roundPlaces takes exact halves to the even digit, as Python does', () => {
  // Python: round(x, n)
  const cases: [number, number, number][] = [
    [0.125, 2, 0.12],
    [0.375, 2, 0.38],
    [2.5, 0, 2],
    [3.5, 0, 4],
    [-2.5, 0, -2],
    [3.45, 1, 3.5],
    [1.15, 1, 1.1],
    [2.675, 2, 2.67],
    [1e300, 2, 1e300],
  ]
  for (const [value, places, expected] of cases) expect(roundPlaces(value, places)).toBe(expected)
})
