/** Oracle: Python itself, see fixtures/make-python-texts.py. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseListLiteral } from '../src/scoring/python-literal'
import { floatText, parseFloatText, parseIntText, roundPlaces } from '../src/scoring/python-number'
import { strip, words } from '../src/scoring/python-text'

const python = JSON.parse(readFileSync(new URL('fixtures/python-texts.json', import.meta.url), 'utf8')) as {
  parsed: [text: string, float: string | null, int: string | null][]
  written: [repr: string, text: string][]
  rounded: [repr: string, places: number, repr: string][]
  spaced: [text: string, stripped: string, words: string[]][]
  lists: [literal: string, items: string[]][]
  broken: string[]
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

test.each(python.lists)('the literal %j has the items that Python finds', (literal, items) => {
  expect(parseListLiteral(literal)).toEqual(items)
})

test.each(python.broken.map((literal) => [literal]))('%j is no list of texts', (literal) => {
  expect(parseListLiteral(literal)).toBeUndefined()
})
