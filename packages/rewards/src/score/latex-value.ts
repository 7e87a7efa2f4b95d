/**
 * The value of a short LaTeX expression of numbers: + - * / : \times \cdot \div, \frac{a}{b}, \sqrt, \sqrt[n], \pi,
 * powers, factorials, \%, thousands commas, brackets and juxtaposition, which binds tighter than division.
 *
 * Not a number, on purpose, as lmms-eval's parser has it: `\frac12`, `1e3`, letters, degrees, |x|, a plain percent
 * sign, infinity. "12 000" is 12 times 000. The recursion and the length are bounded, so that no text can exhaust the
 * stack or much time; Python's own limit of recursion ends its parser on such texts too.
 */

const token = /\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+(?:\.\d*)?|\.\d+|\\[a-z]+|\\%|[-+*/:^!{}()[\]])/gy

const deepest = 100
/** The tokens beyond which a formula is not read. */
const longest = 1000

/** `undefined` where there is no finite real value. */
export function latexValue(text: string): number | undefined {
  const tokens = tokenize(text)
  if (tokens === undefined || tokens.length === 0) return undefined
  const reader = new Reader(tokens)
  try {
    const value = reader.sum(0)
    return reader.atEnd() && Number.isFinite(value) ? value : undefined
  } catch (error) {
    if (error instanceof NoValue) return undefined
    throw error
  }
}

class NoValue extends Error {}

function tokenize(text: string): string[] | undefined {
  const trimmed = text.trimEnd()
  const tokens: string[] = []
  token.lastIndex = 0
  while (token.lastIndex < trimmed.length) {
    const match = token.exec(trimmed)
    if (match === null || tokens.length === longest) return undefined
    tokens.push(match[1])
  }
  return tokens
}

class Reader {
  private at = 0

  constructor(private readonly tokens: readonly string[]) {}

  atEnd(): boolean {
    return this.at === this.tokens.length
  }

  sum(depth: number): number {
    if (depth > deepest) throw new NoValue()
    let value = this.product(depth)
    for (;;) {
      if (this.take('+')) value += this.product(depth)
      else if (this.take('-')) value -= this.product(depth)
      else return value
    }
  }

  private product(depth: number): number {
    let value = this.signed(depth)
    for (;;) {
      if (this.take('*') || this.take('\\times') || this.take('\\cdot')) value *= this.signed(depth)
      else if (this.take('/') || this.take(':') || this.take('\\div')) value /= this.signed(depth)
      else return value
    }
  }

  private signed(depth: number): number {
    let sign = 1
    for (;;) {
      if (this.take('-')) sign = -sign
      else if (!this.take('+')) return sign * this.juxtaposed(depth)
    }
  }

  /** Factors without a sign between them. */
  private juxtaposed(depth: number): number {
    let value = this.power(depth)
    while (!this.atEnd() && /^(?:[\d.({]|\\(?:frac|sqrt|pi)$)/.test(this.tokens[this.at]))
      value *= this.power(depth)
    return value
  }

  /** Powers, factorials and percents, from left to right. */
  private power(depth: number): number {
    let value = this.atom(depth)
    for (;;) {
      if (this.take('^')) value **= this.atom(depth)
      else if (this.take('!')) value = factorial(value)
      else if (this.take('\\%')) value /= 100
      else return value
    }
  }

  private atom(depth: number): number {
    if (this.atEnd()) throw new NoValue()
    if (this.peek('{')) return this.group('{', '}', depth)
    if (this.peek('(')) return this.group('(', ')', depth)
    const next = this.tokens[this.at++]
    if (/^[\d.]/.test(next)) return Number(next.replaceAll(',', ''))
    if (next === '\\pi') return Math.PI
    if (next === '\\frac') return this.group('{', '}', depth) / this.group('{', '}', depth)
    if (next === '\\sqrt') {
      const degree = this.peek('[') ? this.group('[', ']', depth) : 2
      return root(this.group('{', '}', depth), degree)
    }
    throw new NoValue()
  }

  private group(open: string, close: string, depth: number): number {
    if (!this.take(open)) throw new NoValue()
    const value = this.sum(depth + 1)
    if (!this.take(close)) throw new NoValue()
    return value
  }

  private peek(text: string): boolean {
    return this.tokens[this.at] === text
  }

  private take(text: string): boolean {
    if (!this.peek(text)) return false
    this.at++
    return true
  }
}

function factorial(value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 170) throw new NoValue()
  let product = 1
  for (let factor = 2; factor <= value; factor++) product *= factor
  return product
}

function root(value: number, degree: number): number {
  if (degree === 2) return Math.sqrt(value)
  return degree === 3 && value >= 0 ? Math.cbrt(value) : value ** (1 / degree)
}
