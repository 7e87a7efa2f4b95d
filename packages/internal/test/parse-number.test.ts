/** What is no number, or out of its bounds, is refused in the words in which it was written. */
import { expect, test } from 'vitest'
import { parseInteger, parseNumber } from '../src'

test('numbers in all decimal forms are read', () => {
  expect([' 7 ', '+1.5', '.5', '2.', '-3e-2'].map((text) => parseNumber('x', text))).toEqual([
    7, 1.5, 0.5, 2, -0.03,
  ])
  expect(['12', '1e3', '-0004'].map((text) => parseInteger('n', text))).toEqual([12, 1000, -4])
})

test.each([
  [parseNumber, ' 1e400', 'a finite number at least 0', '1e400', Infinity],
  [parseNumber, '-0.50', 'a finite number at least 0', '-0.50', -0.5],
  [parseNumber, '0x10', 'a finite number at least 0', '"0x10"', '0x10'],
  [parseInteger, '1.50', 'an integer at least 0', '1.50', 1.5],
  [parseInteger, '$&', 'an integer at least 0', '"$&"', '$&'],
  [
    parseInteger,
    '9007199254740993',
    'an integer at least 0 and at most 9007199254740991',
    '9007199254740993',
    2 ** 53,
  ],
])('%o refuses %j', (parse, text, rule, written, value) => {
  expect(() => parse('x', text, { min: 0 })).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTION',
      message: `x: must be ${rule}, got ${written}; pass such a value`,
      details: { option: 'x', value },
    }) as Error,
  )
})
