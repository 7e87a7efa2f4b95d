/** Oracle: Python itself, see make-python-texts.py beside the fixture. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseListLiteral } from '../src/scoring/python-literal'

const fixture = new URL('../../internal/test/fixtures/python-texts.json', import.meta.url)
const python = JSON.parse(readFileSync(fixture, 'utf8')) as {
  lists: [literal: string, items: string[]][]
  broken: string[]
}

test.each(python.lists)('the literal %j has the items that Python finds', (literal, items) => {
  expect(parseListLiteral(literal)).toEqual(items)
})

test.each(python.broken.map((literal) => [literal]))('%j is no list of texts', (literal) => {
  expect(parseListLiteral(literal)).toBeUndefined()
})
