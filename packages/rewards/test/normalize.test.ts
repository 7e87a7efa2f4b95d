import { readFileSync } from 'node:fs'
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { INVALID, normalizeCanonical, normalizeReleased, type CanonicalOptions } from '@evolmm/rewards'
import { hardCases } from './hard-cases'

const fixture = JSON.parse(
  readFileSync(new URL('fixtures/normalize-released.json', import.meta.url), 'utf8'),
) as { cases: [string, string][] }

test.each(fixture.cases)('released rule on %j as Python computes it', (answer, expected) => {
  expect(normalizeReleased(answer)).toBe(expected === '' ? INVALID : expected)
})

test.each(hardCases)('hard case %j', (answer, released, canonical) => {
  expect(normalizeReleased(answer)).toBe(released)
  expect(normalizeCanonical(answer)).toBe(canonical)
})

describe('canonical: answers that are the same', () => {
  test.each([
    [
      '3',
      '3.0',
      '3.',
      '+3',
      '03',
      'three',
      'Three.',
      '6/2',
      '3e0',
      '300%',
      '\\(3\\)',
      '\\[3\\]',
      '"3"',
      '(3)',
      '$$3$$',
    ],
    [
      '0.5',
      '.5',
      '1/2',
      '½',
      'half',
      'one half',
      'a half',
      '5e-1',
      '50%',
      '\\dfrac{1}{2}',
      '\\tfrac12',
      '1 / 2',
      '50 per cent',
    ],
    [
      '-0.25',
      '−1/4',
      '-\\frac{1}{4}',
      '\\frac{-1}{4}',
      'minus a quarter',
      'negative one fourth',
      '-25 %',
      '- .25',
    ],
    [
      '1200',
      '1,200',
      '1{,}200',
      '1.2K',
      '1.2k',
      '1\u202f200',
      '12 × 10^2',
      '1.2×10**3',
      '1.2*10^3',
      '1.2 thousand',
    ],
    ['105', 'one hundred and five', 'a hundred and five', 'one hundred five', '105.00'],
    ['21', 'twenty-one', 'twenty one', 'the 21'],
    ['3.14', 'three point one four', '3.140'],
    ['5.75', '5 3/4', '5 and 3/4', 'five and three quarters', '5¾', '23/4'],
    ['1000000', 'one million', '1 million', '1M', '1,000,000', '1e6'],
    ['1200000000', '1.2bn', '1.2B', '1.2 billion', 'one billion two hundred million'],
    ['-3', 'minus three', 'negative three', '-3.0', '–3'],
    ['0', '-0', '0.0', 'zero', '0%', '0/5'],
    [
      'red car',
      'the red car',
      'a red car',
      'Red  Car.',
      '“red car”',
      '`red car`',
      'ｒｅｄ car',
      '\\text{red car}',
      '(red car)',
    ],
    ['1, 2', '1,2', '(1, 2)', '[1,2]', '1 , 2'],
    ['45', '45°', '45^\\circ', '45^{\\circ}', '45 degrees'],
    ['1200 people', '1,200 people'],
    ['(a+b)/(2)', '\\frac{a+b}{2}'],
    ['π', '\\pi'],
    ['café', 'cafe\u0301'],
  ])('%s', (canonical, ...others) => {
    expect(normalizeCanonical(canonical)).toBe(canonical)
    for (const other of others) expect([other, normalizeCanonical(other)]).toEqual([other, canonical])
  })
})

describe('canonical: answers that differ', () => {
  test.each([
    ['5', '-5'],
    ['5', '0.5'],
    ['5', '5%'],
    ['12', '1,2'],
    ['c', 'C++'],
    ['1/3', '0.333'],
    ['third', '3'],
    ['the third', 'a third'],
    ['a and b', 'b'],
    ['vitamin a', 'vitamin'],
    ['12:30', '12.30'],
    ['1/2/2020', '1/2'],
    ['1.2.3', '1.2'],
    ['3rd', '3'],
    ['2019-2020', '2019'],
    ['1/0', '1'],
    ['1,2000', '12000'],
    ['unknown', ''],
  ])('%j and %j', (a, b) => {
    expect(normalizeCanonical(a)).not.toBe(normalizeCanonical(b))
  })

  test.each([
    'and',
    'a',
    'hundred',
    'one one',
    'twenty twelve',
    'thousand million',
    'five ten',
    'zero five',
    'one and two',
    'one hundred and',
    'ten hundred',
    'half half',
    'red third',
    'red and half',
    'two red halves',
    'one point',
    'one point ten',
    'red point five',
    'minus',
    'twenty one two',
    'hundred five',
    'one thousand two thousand',
    '5 apples',
    '$5 km',
    '1e61',
    '9'.repeat(61),
    '0x10',
  ])('%j is text', (text) => {
    expect(normalizeCanonical(text)).toBe(text.replace(/^a /, ''))
  })
})

describe('canonical options', () => {
  const keep: CanonicalOptions = { units: 'keep', currency: 'keep' }

  test('percent as asked', () => {
    expect(normalizeCanonical('5%', { percent: 'number' })).toBe('5')
    expect(normalizeCanonical('12.5 pct', { percent: 'number' })).toBe('12.5')
  })

  test.each([
    ['5 km', '5 kilometres', 'five kilometers', '5km', '5 kms'],
    ['60 mph', '60 miles per hour'],
    ['5 m^2', '5 m²', '5 square meters', '5 sq m', '5 sqm'],
    ['2 cm^3', '2 cubic centimetres', '2 cc'],
    ['10 m/s', '10 meters per second'],
    ['25 °C', '25 ℃', '25 celsius', '25°c'],
    ['$5', '5 dollars', '5 USD', 'US$5', 'usd 5', '$5.00', '$ 5', '$5 usd', '\\$5'],
    ['$-5', '-$5', '$-5'],
    ['€1500000', '€1.5m', '1.5 million euros', 'EUR 1.5 million'],
    ['£3000000000', '£3bn', '3 billion pounds'],
  ])('kept with one spelling: %s', (canonical, ...others) => {
    for (const other of [canonical, ...others])
      expect([other, normalizeCanonical(other, keep)]).toEqual([other, canonical])
  })

  test('kept units and currencies tell answers apart', () => {
    expect(normalizeCanonical('5 km', keep)).not.toBe(normalizeCanonical('5 m', keep))
    expect(normalizeCanonical('$5', keep)).not.toBe(normalizeCanonical('€5', keep))
    expect(normalizeCanonical('$5', { currency: 'keep' })).not.toBe(
      normalizeCanonical('5', { currency: 'keep' }),
    )
  })

  test('wrong values are refused', () => {
    expect(() => normalizeCanonical('5', { percent: 'both' as 'number' })).toThrow(
      'percent: must be one of fraction, number',
    )
    expect(() => normalizeCanonical('5', { units: 'x' as 'keep' })).toThrow(
      'units: must be one of drop, keep',
    )
    expect(() => normalizeCanonical('5', { currency: 'x' as 'keep' })).toThrow(
      'currency: must be one of drop, keep',
    )
  })
})

test('invalid stays invalid', () => {
  expect(normalizeCanonical(INVALID)).toBe(INVALID)
  expect(normalizeReleased(INVALID)).toBe(INVALID)
  for (const empty of ['', ' ', '...', '\u200b', '-', '“”', '()', '$$$$'])
    expect(normalizeCanonical(empty)).toBe(INVALID)
})

describe('canonical properties', () => {
  const settings = fc.record({
    percent: fc.constantFrom('fraction', 'number' as const),
    currency: fc.constantFrom('drop', 'keep' as const),
    units: fc.constantFrom('drop', 'keep' as const),
  }) as fc.Arbitrary<Required<CanonicalOptions>>
  const piece = fc.constantFrom(
    ...[
      '1',
      '2',
      '.5',
      ',',
      '.',
      '-',
      '/',
      '%',
      '$',
      '€',
      ' ',
      '(',
      ')',
      '{',
      '}',
      '\\',
      '\\frac',
      '\\text',
      '^',
      '°',
      'e',
    ],
    ...[
      'the ',
      'a ',
      'an ',
      'and ',
      'half',
      'three',
      'hundred',
      'million',
      ' km',
      'k',
      'M',
      ' dollars',
      '½',
      '1,000',
      '"',
      '*',
    ],
  )
  const text = fc.oneof(
    fc.array(piece, { maxLength: 14 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 30 }),
  )

  sizedTest(
    'the result is a fixed point, or invalid',
    { answers: [3000, 10_000, 200_000] },
    ({ count, seed }) => {
      fc.assert(
        fc.property(text, settings, (answer, options) => {
          const once = normalizeCanonical(answer, options)
          expect(once).not.toBe('')
          expect(normalizeCanonical(once, options)).toBe(once)
        }),
        { seed, numRuns: count },
      )
    },
  )

  sizedTest(
    'equal fractions are equal, and only they',
    { pairs: [2000, 5000, 100_000] },
    ({ count, seed }) => {
      const part = fc.integer({ min: 1, max: 400 })
      fc.assert(
        fc.property(
          fc.integer({ min: -400, max: 400 }),
          part,
          fc.integer({ min: -400, max: 400 }),
          part,
          (a, b, c, d) => {
            const same = normalizeCanonical(`${a}/${b}`) === normalizeCanonical(`${c}/${d}`)
            expect(same).toBe(a * d === c * b)
            expect(normalizeCanonical(`\\frac{${a * 3}}{${b * 3}}`)).toBe(normalizeCanonical(`${a}/${b}`))
          },
        ),
        { seed, numRuns: count },
      )
    },
  )

  sizedTest('a decimal keeps its exact value', { decimals: [1000, 5000, 100_000] }, ({ count, seed }) => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
        fc.integer({ min: 0, max: 15 }),
        (digits, places) => {
          const sign = digits < 0n ? '-' : ''
          const text = String(digits < 0n ? -digits : digits).padStart(places + 1, '0')
          const at = text.length - places
          const plain = `${sign}${text.slice(0, at)}${places > 0 ? `.${text.slice(at)}` : ''}`
          const exact = normalizeCanonical(`${digits}e-${places}`)
          expect(normalizeCanonical(plain)).toBe(exact)
          if (places > 0) expect(normalizeCanonical(`${plain}000`)).toBe(exact)
        },
      ),
      { seed, numRuns: count },
    )
  })

  test('spelled numbers agree with their digits', () => {
    const ones =
      'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
        ' ',
      )
    const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')
    const below100 = (n: number) =>
      n < 20 ? ones[n] : tens[Math.floor(n / 10) - 2] + (n % 10 === 0 ? '' : `-${ones[n % 10]}`)
    const below1000 = (n: number) =>
      n < 100
        ? below100(n)
        : `${ones[Math.floor(n / 100)]} hundred${n % 100 === 0 ? '' : ` and ${below100(n % 100)}`}`
    const spell = (n: number) =>
      n < 1000
        ? below1000(n)
        : `${below1000(Math.floor(n / 1000))} thousand${n % 1000 === 0 ? '' : ` ${below1000(n % 1000)}`}`
    for (let n = 0; n < 10_000; n++)
      expect([spell(n), normalizeCanonical(spell(n))]).toEqual([spell(n), String(n)])
    expect(normalizeCanonical(spell(987_654))).toBe('987654')
  })

  test('hostile lengths end, as prose', () => {
    for (const unit of ['(', '.', 'a ', '1,', '\\frac{', '9', '{,}', '$'])
      expect(typeof normalizeCanonical(unit.repeat(20_000) + 'x')).toBe('string')
  })
})
