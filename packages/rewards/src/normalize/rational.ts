/** Exact rational numbers, as large as answers need them: equality of numbers must not depend on rounding. */

export interface Rational {
  numerator: bigint
  /** Always positive, and without a common factor with the numerator. */
  denominator: bigint
}

/** Digits that a mantissa may have, and the largest power of ten: beyond them an answer is text, not a number. */
export const digitLimit = 60

/** `numerator / denominator` in lowest terms. The denominator must not be zero. */
export function rational(numerator: bigint, denominator = 1n): Rational {
  const divisor = denominator < 0n ? -gcd(numerator, denominator) : gcd(numerator, denominator)
  return { numerator: numerator / divisor, denominator: denominator / divisor }
}

export function multiply(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.numerator, a.denominator * b.denominator)
}

/** `undefined` for a zero divisor. */
export function divide(a: Rational, b: Rational): Rational | undefined {
  return b.numerator === 0n ? undefined : rational(a.numerator * b.denominator, a.denominator * b.numerator)
}

export function add(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
}

export function negate({ numerator, denominator }: Rational): Rational {
  return { numerator: -numerator, denominator }
}

/** A decimal such as "12", "12.", ".5" or "1200.50", times a power of ten; `undefined` beyond the digit limit. */
export function decimal(text: string, exponent = 0): Rational | undefined {
  const [whole, fraction = ''] = text.split('.')
  if (whole.length + fraction.length > digitLimit || Math.abs(exponent) > digitLimit) return undefined
  const shift = exponent - fraction.length
  const digits = BigInt(whole + fraction)
  return shift >= 0 ? rational(digits * 10n ** BigInt(shift)) : rational(digits, 10n ** BigInt(-shift))
}

/** The one spelling of a number: "1200", "-0.05" where the decimals end, "1/3" where they do not. */
export function show({ numerator, denominator }: Rational): string {
  const places = decimalPlaces(denominator)
  if (places === undefined) return `${String(numerator)}/${String(denominator)}`
  if (places === 0) return String(numerator)
  const scaled = (numerator * 10n ** BigInt(places)) / denominator
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(places + 1, '0')
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`
}

/** The number of decimals of `1 / denominator`; `undefined` when they do not end. */
function decimalPlaces(denominator: bigint): number | undefined {
  let [twos, fives, rest] = [0, 0, denominator]
  for (; rest % 2n === 0n; rest /= 2n) twos++
  for (; rest % 5n === 0n; rest /= 5n) fives++
  return rest === 1n ? Math.max(twos, fives) : undefined
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a < 0n ? -a : a || 1n
}
