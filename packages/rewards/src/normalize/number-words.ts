/** English number words: "twenty-one", "two and a half", "three point five", "minus one hundred and five". */
import { add, decimal, multiply, negate, rational, type Rational } from './rational'

const units: ReadonlyMap<string, number> = new Map(
  (
    'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen ' +
    'seventeen eighteen nineteen'
  )
    .split(' ')
    .map((word, value) => [word, value]),
)

const tens: ReadonlyMap<string, number> = new Map(
  'twenty thirty forty fifty sixty seventy eighty ninety'
    .split(' ')
    .map((word, index) => [word, 10 * (index + 2)]),
)

/** Words that multiply what stands before them. */
const scaleWords: ReadonlyMap<string, bigint> = new Map([
  ['thousand', 10n ** 3n],
  ['million', 10n ** 6n],
  ['billion', 10n ** 9n],
  ['trillion', 10n ** 12n],
])

const fractions: ReadonlyMap<string, bigint> = new Map([
  ['half', 2n],
  ['halves', 2n],
  ['third', 3n],
  ['thirds', 3n],
  ['quarter', 4n],
  ['quarters', 4n],
  ['fourth', 4n],
  ['fourths', 4n],
  ['fifth', 5n],
  ['fifths', 5n],
  ['sixth', 6n],
  ['sixths', 6n],
  ['eighth', 8n],
  ['eighths', 8n],
  ['tenth', 10n],
  ['tenths', 10n],
])

/** The number that lower-case `text` spells in full, else `undefined`. */
export function parseNumberWords(text: string): Rational | undefined {
  const words = text.replaceAll('-', ' ').split(/ +/)
  if (words[0] === 'minus' || words[0] === 'negative') {
    const value = parseWords(words.slice(1))
    return value && negate(value)
  }
  return parseWords(words)
}

function parseWords(words: string[]): Rational | undefined {
  const point = words.indexOf('point')
  if (point > 0) {
    const digits = words.slice(point + 1).map((word) => units.get(word))
    if (digits.length === 0 || digits.some((digit) => digit === undefined || digit > 9)) return undefined
    const whole = cardinal(words.slice(0, point))
    return whole === undefined ? undefined : decimal(`${String(whole)}.${digits.join('')}`)
  }

  const denominator = fractions.get(words.at(-1) ?? '')
  if (denominator === undefined) {
    const whole = cardinal(words)
    return whole === undefined ? undefined : rational(whole)
  }
  if (words.length === 1) return words[0] === 'half' ? rational(1n, 2n) : undefined // "third" alone is an ordinal
  // "two thirds", "a half", "two and a half", "five and three quarters"
  const and = words.lastIndexOf('and')
  const numerator = count(words.slice(and + 1, -1))
  const part = numerator === undefined ? undefined : rational(numerator, denominator)
  if (part === undefined || and < 0) return part
  const whole = cardinal(words.slice(0, and))
  return whole === undefined ? undefined : add(rational(whole), part)
}

function count(words: string[]): bigint | undefined {
  return words.length === 1 && words[0] === 'a' ? 1n : cardinal(words)
}

/** A whole number: groups below a thousand, each followed by a smaller scale word than the one before. */
function cardinal(words: string[]): bigint | undefined {
  let total = 0n
  let group: bigint | undefined
  let lastScale = 10n ** 15n
  let previous = ''
  for (const word of words) {
    const [unit, ten, scale] = [units.get(word), tens.get(word), scaleWords.get(word)]
    if (unit !== undefined) {
      // After a ten only 1 to 9 may follow ("twenty one"); after "hundred", anything below a hundred.
      const room =
        group === undefined || group % 100n === 0n ? 20 : group % 10n === 0n && tens.has(previous) ? 10 : 0
      if (unit >= room || (unit === 0 && words.length > 1)) return undefined
      group = (group ?? 0n) + BigInt(unit)
    } else if (ten !== undefined) {
      if (group !== undefined && group % 100n !== 0n) return undefined
      group = (group ?? 0n) + BigInt(ten)
    } else if (word === 'hundred') {
      const hundreds: bigint = group ?? (previous === 'a' ? 1n : 0n)
      if (hundreds < 1n || hundreds > 9n) return undefined
      group = 100n * hundreds
    } else if (scale !== undefined) {
      const thousands: bigint = group ?? (previous === 'a' ? 1n : 0n)
      if (thousands === 0n || scale >= lastScale) return undefined
      total += thousands * scale
      group = undefined
      lastScale = scale
    } else if (word === 'and') {
      if (previous !== 'hundred' && !scaleWords.has(previous)) return undefined
    } else if (word !== 'a' || previous !== '') {
      return undefined
    }
    previous = word
  }
  if (previous === '' || previous === 'a' || previous === 'and') return undefined
  return total + (group ?? 0n)
}

/** `value` times the scale word, as in "2.5 million". */
export function scaled(value: Rational, word: string): Rational | undefined {
  const scale = scaleWords.get(word)
  return scale === undefined ? undefined : multiply(value, rational(scale))
}
