/**
 * Numbers as Python reads and writes them: `float()` and `int()` accept surrounding white space, a sign, underscores
 * between digits and any Unicode decimal digits, and refuse commas, units and currency; `str()` of a double has the
 * shortest digits, a ".0" for whole numbers, and an exponent from 1e16 up and below 1e-4.
 */
import { strip } from './python-text'

const digits = String.raw`\d+(?:_\d+)*`
const floatSyntax = new RegExp(
  String.raw`^[+-]?(?:${digits}(?:\.(?:${digits})?)?|\.${digits})(?:[eE][+-]?${digits})?$`,
)
const intSyntax = new RegExp(`^[+-]?${digits}$`)
const special = /^([+-]?)(inf|infinity|nan)$/i

const separators = Array.from({ length: 4 }, (_, index) => String.fromCharCode(0x1c + index))

/** Python refuses to convert longer integers. */
const longestInteger = 4300

/** `float(text)`; `undefined` where Python raises. */
export function parseFloatText(text: string): number | undefined {
  const plain = asciiDigits(stripForNumber(text))
  if (floatSyntax.test(plain)) return Number(plain.replaceAll('_', ''))
  const match = special.exec(plain)
  if (match === null) return undefined
  if (match[2].toLowerCase() === 'nan') return NaN
  return match[1] === '-' ? -Infinity : Infinity
}

/** `int(text)`; `undefined` where Python raises. */
export function parseIntText(text: string): bigint | undefined {
  const plain = asciiDigits(stripForNumber(text))
  if (!intSyntax.test(plain)) return undefined
  const value = plain.replaceAll('_', '')
  if (value.length > longestInteger) return undefined
  return value.startsWith('-') ? -BigInt(value.slice(1)) : BigInt(value.replace('+', ''))
}

/** `str(value)` of a float. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const [mantissa, power] = Math.abs(value).toExponential().split('e')
  const shortest = mantissa.replace('.', '')
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 16) {
    const size = String(Math.abs(exponent)).padStart(2, '0')
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${size}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${shortest}`
  const whole = shortest.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${shortest.slice(exponent + 1) || '0'}`
}

/**
 * `round(value, places)`: of the exact binary value, exact halves to the even digit. `toFixed` is exact but takes
 * halves upwards.
 */
export function roundPlaces(value: number, places: number): number {
  if (!Number.isFinite(value) || Math.abs(value) >= 2 ** 52) return value
  const size = Math.abs(value)
  const [exact, rounded] = [size.toFixed(100), size.toFixed(places)]
  const cut = exact.indexOf('.') + places + 1
  const half = exact[cut] === '5' && !/[1-9]/.test(exact.slice(cut + 1))
  const below = exact.slice(0, places === 0 ? cut - 1 : cut)
  const even = Number(below.at(-1)) % 2 === 0
  const result = Number(half && even ? below : rounded)
  return value < 0 || Object.is(value, -0) ? -result : result
}

/** `float()` and `int()` accept less white space than `strip()` removes: the ASCII separators make a text no number. */
function stripForNumber(text: string): string {
  return separators.some((separator) => text.includes(separator)) ? '' : strip(text)
}

/** Unicode's decimal digits stand in runs of ten, each from zero to nine. */
function asciiDigits(text: string): string {
  return text.replace(/(?![0-9])\p{Nd}/gu, (digit) => {
    const point = digit.codePointAt(0) ?? 0
    let first = point
    while (/^\p{Nd}$/u.test(String.fromCodePoint(first - 1))) first--
    return String((point - first) % 10)
  })
}
