/** Every word of every table, against values written out here. */
import { describe, expect, test } from 'vitest'
import { normalizeCanonical } from '@evolmm/rewards'

test.each([
  ['km', 'km kilometer kilometers kilometre kilometres kms'],
  ['m', 'm meter meters metre metres'],
  ['cm', 'cm centimeter centimeters centimetre centimetres'],
  ['mm', 'mm millimeter millimeters millimetre millimetres'],
  ['in', 'in inch inches'],
  ['ft', 'ft foot feet'],
  ['yd', 'yd yard yards'],
  ['mi', 'mi mile miles'],
  ['mm^2', 'mm^2|mm2|mm²|square millimeters'],
  ['cm^2', 'cm^2|cm2|cm²|square centimetres'],
  ['m^2', 'm^2|m2|m²|sqm|square meters|sq m'],
  ['km^2', 'km^2|km2|km²|square kilometers'],
  ['in^2', 'in^2|in²|square inches'],
  ['ft^2', 'ft^2|ft²|square feet|sq ft|sqft'],
  ['mi^2', 'mi^2|mi²|square miles'],
  ['cm^3', 'cm^3|cm3|cm³|cc|cubic centimeters'],
  ['m^3', 'm^3|m3|m³|cubic metres'],
  ['ml', 'ml milliliter milliliters millilitre millilitres'],
  ['l', 'l liter liters litre litres'],
  ['mg', 'mg milligram milligrams'],
  ['g', 'g gram grams'],
  ['kg', 'kg kilogram kilograms kilo kilos kgs'],
  ['t', 't ton tons tonne tonnes'],
  ['lb', 'lb lbs'],
  ['oz', 'oz ounce ounces'],
  ['ms', 'ms millisecond milliseconds'],
  ['s', 's sec secs second seconds'],
  ['min', 'min mins minute minutes'],
  ['h', 'h hr hrs hour hours'],
  ['day', 'day days'],
  ['week', 'week weeks'],
  ['month', 'month months'],
  ['year', 'year years yr yrs'],
  ['km/h', 'km/h|kmh|kph|kmph|km/hr|km/hour|kilometers per hour|km per hour'],
  ['m/s', 'm/s|mps|meters per second'],
  ['mph', 'mph|miles per hour'],
  ['°C', '°c|°C|℃|celsius|degrees celsius|degree Celsius'],
  ['°F', '°f|°F|℉|fahrenheit|degrees Fahrenheit'],
  ['K', 'K|k|kelvin'],
  ['°', '°|degree|degrees|deg'],
  ['rad', 'rad radian radians'],
  ['v', 'v volt volts'],
  ['a', 'amp amps ampere amperes'],
  ['w', 'w watt watts'],
  ['kw', 'kw kilowatt kilowatts'],
  ['kwh', 'kwh'],
  ['j', 'j joule joules'],
  ['n', 'n newton newtons'],
  ['hz', 'hz hertz'],
  ['kb', 'kb'],
  ['mb', 'mb megabyte megabytes'],
  ['gb', 'gb gigabyte gigabytes'],
  ['tb', 'tb terabyte terabytes'],
])('unit %s', (name, spellings) => {
  for (const spelling of spellings.split(spellings.includes('|') ? '|' : ' ')) {
    expect([spelling, normalizeCanonical(`5 ${spelling}`, { units: 'keep' })]).toEqual([
      spelling,
      `5 ${name}`,
    ])
    expect(normalizeCanonical(`5 ${spelling}`)).toBe('5')
  }
})

test.each([
  ['$', '$5 US$5 usd|5 5|usd 5|dollars 5|dollar 5$'],
  ['€', '€5 eur|5 5|eur 5|euro 5|euros 5€'],
  ['£', '£5 gbp|5 5|gbp 5|pound 5|pounds'],
  ['¥', '¥5 jpy|5 cny|5 5|yen 5|yuan 5|rmb'],
  ['₹', '₹5 inr|5 5|inr 5|rupee 5|rupees'],
])('currency %s', (symbol, spellings) => {
  for (const spelling of spellings.replaceAll(' ', '\n').replaceAll('|', ' ').split('\n'))
    expect([spelling, normalizeCanonical(spelling, { currency: 'keep' })]).toEqual([spelling, `${symbol}5`])
})

test.each([
  ['1/2', 'half'],
  ['1/3', 'third'],
  ['1/4', 'quarter'],
  ['1/4', 'fourth'],
  ['1/5', 'fifth'],
  ['1/6', 'sixth'],
  ['1/8', 'eighth'],
  ['1/10', 'tenth'],
])('%s is one %s', (value, word) => {
  const plural = word === 'half' ? 'halves' : `${word}s`
  expect(normalizeCanonical(`one ${word}`)).toBe(normalizeCanonical(value))
  expect(normalizeCanonical(`three ${plural}`)).toBe(normalizeCanonical(value.replace('1', '3')))
})

test.each([
  ['1000', 'one thousand', '1 thousand', '1K', '1k', '$1k'],
  ['1000000', 'one million', '1 million', '1M', '1 M', '$1m', '$1mn', '1Mn'],
  ['1000000000', 'one billion', '1 billion', '1B', '1 B', '1bn', '1 bn', '1Bn', '$1b'],
  ['1000000000000', 'one trillion', '1 trillion', '1T', '1 T', '$1T'],
])('scale %s', (value, ...spellings) => {
  for (const spelling of spellings)
    expect([spelling, normalizeCanonical(spelling)]).toEqual([spelling, value])
})

test.each([
  ['\\left( 5 \\right)', '5'],
  ['\\bigl( 5 \\bigr)', '5'],
  ['\\displaystyle 5', '5'],
  ['5\\,000\\;m', '5 000 m'],
  ['\\text{x}~y', 'x y'],
  ['2 \\times 10^3', '2000'],
  ['2 \\cdot 10^3', '2000'],
  ['\\pm 5', '± 5'],
  ['2\\pi', '2π'],
  ['x \\le 5', 'x ≤ 5'],
  ['x \\leq 5', 'x ≤ 5'],
  ['x \\ge 5', 'x ≥ 5'],
  ['x \\geq 5', 'x ≥ 5'],
  ['\\infty', '∞'],
  ['R\\&D', 'r&d'],
  ['\\#1', '#1'],
  ['a\\_b', 'a_b'],
  ...'boxed text textbf textit textrm mathrm mathbf mathit mbox operatorname'
    .split(' ')
    .map((wrapper) => [`\\${wrapper}{red}`, 'red']),
  ['\\boxed{\\textbf{\\text{\\frac{1}{2}}}}', '0.5'],
  ['\\cfrac{1}{2}', '0.5'],
])('LaTeX %s', (text, expected) => {
  expect(normalizeCanonical(text)).toBe(expected)
})

describe('powers', () => {
  test.each([
    ['100', '10²', '10^2', '10^{2}', '10**2', '1e2'],
    ['0.001', '10⁻³', '10^{-3}', '10^-3', '0.001'],
    ['300000', '3 × 10⁵', '3 × 10^5', '3e5'],
    ['8', '2³'],
  ])('%s', (value, ...spellings) => {
    for (const spelling of spellings)
      expect([spelling, normalizeCanonical(spelling)]).toEqual([spelling, value])
  })

  test('are not digits', () => {
    expect(normalizeCanonical('10²')).not.toBe(normalizeCanonical('102'))
    expect(normalizeCanonical('x²')).toBe('x^2')
    expect(normalizeCanonical('x²')).not.toBe(normalizeCanonical('x2'))
  })

  test('of absurd size stay text', () => {
    expect(normalizeCanonical('10^999')).toBe('10^999')
    expect(normalizeCanonical('0^-1')).toBe('0^-1')
  })
})

test.each([
  ['minus 5', '-5'],
  ['negative 2.5', '-2.5'],
  ['two and a half million', 'two and half million'],
  ['$5 eur', '$5 eur'],
  ['\u200b5\u200b', '5'],
  ['re\u200bd', 'red'],
  ['‐5', '-5'],
  ['left‑hand', 'left-hand'],
  ['a to b', 'a to b'],
  ['a is b', 'a is b'],
  ['a vs b', 'a vs b'],
  ['a or b', 'a or b'],
  ['an apple', 'apple'],
  ['the 5', '5'],
  ['one hundred and two and a half', '102.5'],
  ['9'.repeat(60), '9'.repeat(60)],
])('%j is %j', (text, expected) => {
  expect(normalizeCanonical(text)).toBe(expected)
})

test('longer than any number is prose: no brackets or LaTeX are taken off', () => {
  const long = `(${'word '.repeat(50)}end)`
  expect(normalizeCanonical(long)).toBe(long)
  expect(normalizeCanonical('(word end)')).toBe('word end')
})
