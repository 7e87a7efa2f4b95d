/** Answers that are one number, with what may stand around it: sign, currency, scale, percent, unit. */
import { parseNumberWords, scaled } from './number-words'
import { add, decimal, digitLimit, divide, negate, type Rational } from './rational'
import { currencyOf, unitOf } from './units'

export interface Quantity {
  value: Rational
  /** Symbol of the currency, if one is written. */
  currency?: string
  /** Name of the unit, or '%'. */
  unit?: string
}

const integer = String.raw`(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)`
const powerOfTen = String.raw`(?:e([+-]?\d+)|\s*[x×*]\s*10\s*(?:\^|\*\*)\s*\{?\s*([+-]?\d+)\s*\}?)?`
const patterns = {
  /** A whole number with a fraction: "1 1/2", "5 and 3/4". */
  mixed: new RegExp(String.raw`^(${integer})\s+(?:and\s+)?(\d+)\s*/\s*(\d+)`),
  fraction: new RegExp(String.raw`^(${integer})\s*/\s*([+-]?)(${integer})(?![\d./])`),
  /** A power of a whole number: "10^3", "2^{-1}". */
  power: /^(\d{1,20})\s*(?:\^|\*\*)\s*\{?\s*([+-]?\d{1,3})\s*\}?/,
  decimal: new RegExp(String.raw`^(${integer}(?:\.\d*)?|\.\d+)${powerOfTen}(?![\d.,/]\d)`),
}
const sign = /^([+-]|minus |negative )\s*/
const currencyBefore = /^(us\$|[$€£¥₹]|usd|eur|gbp|jpy|cny|inr)\s*/
const scaleLetters: ReadonlyMap<string, string> = new Map([
  ['m', 'million'],
  ['mn', 'million'],
  ['b', 'billion'],
])

/** The quantity that trimmed, lower-case `text` is as a whole, else `undefined`. */
export function parseQuantity(text: string): Quantity | undefined {
  let rest = text
  const take = (pattern: RegExp): string | undefined => {
    const match = pattern.exec(rest)
    if (match !== null) rest = rest.slice(match[0].length)
    return match?.[1]
  }
  const outerSign = take(sign)
  const before = take(currencyBefore)
  const innerSign = outerSign === undefined ? take(sign) : undefined

  const digits = leadingNumber(rest)
  const number = digits ?? leadingWords(rest)
  if (number === undefined) return undefined
  let value = [outerSign, innerSign].some((mark) => mark !== undefined && mark !== '+')
    ? negate(number.value)
    : number.value

  let suffix = rest.slice(number.length).trim()
  const scale = /^(thousand|million|billion|trillion)(?![a-z])\s*/.exec(suffix)
  if (scale !== null && digits !== undefined) {
    value = scaled(value, scale[1]) ?? value
    suffix = suffix.slice(scale[0].length)
  } else if (before !== undefined && scaleLetters.has(suffix)) {
    // After a currency the letter is a scale: "$5m" are not metres.
    value = scaled(value, scaleLetters.get(suffix) ?? '') ?? value
    suffix = ''
  }

  const currency = before === undefined ? undefined : currencyOf(before)
  if (suffix === '') return currency === undefined ? { value } : { value, currency }
  const after = currencyOf(suffix)
  if (currency !== undefined) return after === currency ? { value, currency } : undefined
  if (/^(?:%|percent|per cent|pct)$/.test(suffix)) return { value, unit: '%' }
  if (after !== undefined) return { value, currency: after }
  const unit = unitOf(suffix)
  return unit === undefined ? undefined : { value, unit }
}

interface Leading {
  value: Rational
  /** Characters of the text that it took. */
  length: number
}

function leadingNumber(text: string): Leading | undefined {
  const mixed = patterns.mixed.exec(text)
  if (mixed !== null) {
    const whole = decimal(plain(mixed[1]))
    const part = ratio(mixed[2], mixed[3])
    return whole && part && { value: add(whole, part), length: mixed[0].length }
  }
  const fraction = patterns.fraction.exec(text)
  if (fraction !== null) {
    const value = ratio(fraction[1], fraction[3])
    return value && { value: fraction[2] === '-' ? negate(value) : value, length: fraction[0].length }
  }
  const power = patterns.power.exec(text)
  if (power !== null) {
    const value = raise(decimal(power[1]), Number(power[2]))
    return value && { value, length: power[0].length }
  }
  const simple = patterns.decimal.exec(text)
  if (simple === null) return undefined
  const exponents = simple.slice(2) as (string | undefined)[]
  const value = decimal(plain(simple[1]), Number(exponents[0] ?? exponents[1] ?? 0))
  return value && { value, length: simple[0].length }
}

/** Number words: all of them, or all but the last one or two words, which may be a unit. */
function leadingWords(text: string): Leading | undefined {
  if (text.length > 120 || !/^[a-z]/.test(text)) return undefined
  const words = text.split(' ')
  for (let taken = words.length; taken > 0 && taken >= words.length - 2; taken--) {
    const head = words.slice(0, taken).join(' ')
    const value = parseNumberWords(head)
    if (value !== undefined) return { value, length: head.length }
  }
  return undefined
}

function ratio(numerator: string, denominator: string): Rational | undefined {
  const [top, bottom] = [decimal(plain(numerator)), decimal(plain(denominator))]
  return top && bottom && divide(top, bottom)
}

/** `base` to an integer power, if it stays within the digits that a number may have. */
function raise(base: Rational | undefined, exponent: number): Rational | undefined {
  if (base === undefined || String(base.numerator).length * Math.abs(exponent) > digitLimit) return undefined
  const size = { numerator: base.numerator ** BigInt(Math.abs(exponent)), denominator: 1n }
  return exponent < 0 ? divide({ numerator: 1n, denominator: 1n }, size) : size
}

function plain(digits: string): string {
  return digits.replaceAll(',', '')
}
