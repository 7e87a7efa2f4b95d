/**
 * The value of a short LaTeX expression of numbers, as latex2sympy2 reads it and Python computes it: + - * / : \times
 * \cdot \div, \frac{a}{b}, \sqrt, \sqrt[n], \pi, powers, factorials, \binom, \lfloor, \sin and its like, \%,
 * thousands commas, brackets and juxtaposition, which binds tighter than division.
 *
 * Not a number, on purpose, as lmms-eval's parser has it: `\frac12`, `2^(3)`, `1e3`, letters, degrees, |x|, a plain
 * percent sign, infinity. "12 000" is 12 times 000, and what follows a whole expression and cannot go on with
 * it is not looked at: "5.", "5}" and "5_6" are 5. The recursion and the length are bounded, so that no text can
 * exhaust the stack or much time; Python's own limit of recursion ends its parser on such texts too.
 */
import { checkText } from '@evolmm/internal'

/** A number, and whether Python computes it as an int. */
export interface PythonNumber {
  value: number
  whole: boolean
}

const token = new RegExp(
  String.raw`(?:[\s$~]|\\,|\\displaystyle|\\q?quad)*` +
    String.raw`(\d+(?:,\d{3})*(?:\.\d+)?(?:\\%)?|\.\d+(?:\\%)?|\\[a-z]+|\\[{}\\]|[-+*/:^!{}()[\].&_e]|$)`,
  'gy',
)

const deepest = 100
/** The tokens beyond which a formula is not read. */
const longest = 1000

const brackets: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
  ['\\{', '\\}'],
  ['\\lbrace', '\\rbrace'],
  ['\\lbrack', '\\rbrack'],
  ['\\lgroup', '\\rgroup'],
])
const functions: ReadonlyMap<
  string,
  { rule: (x: number, base?: number) => number; inverse?: (x: number) => number }
> = new Map([
  ['\\sin', { rule: (x) => Math.sin(x), inverse: Math.asin }],
  ['\\cos', { rule: (x) => Math.cos(x), inverse: Math.acos }],
  ['\\tan', { rule: (x) => Math.tan(x), inverse: Math.atan }],
  ['\\log', { rule: (x, base = 10) => Math.log(x) / Math.log(base) }],
  // Sympy writes exp(1), which is the base of `\ln` too, as E, which Python does not know.
  ['\\ln', { rule: (x, base = NaN) => Math.log(x) / Math.log(base) }],
  ['\\exp', { rule: (x) => (x === 1 ? NaN : Math.exp(x)) }],
])
/** What a factor may begin with, where none of the operators stands before it, and not in the argument of a function. */
const factors = new Set([
  ...brackets.keys(),
  ...['\\pi', '\\left', '\\frac', '\\dfrac', '\\tfrac', '\\binom', '\\tbinom', '\\dbinom', '\\lfloor'],
])
const calls = new Set(['e', '\\sqrt', ...functions.keys()])
/** What ends an expression, whatever follows. */
const ends = new Set([...['', '.', '_', '&', '\\\\', '\\right', '\\rfloor'], ...brackets.values()])

/** `undefined` where there is no finite real value. */
export function latexValue(text: string): number | undefined {
  checkText('text', text)
  return pythonValue(text)?.value
}

/** The same with Python's type. */
export function pythonValue(text: string): PythonNumber | undefined {
  const reader = new Reader(tokenize(text))
  try {
    const number = reader.sum(0)
    return reader.atEnd() && Number.isFinite(number.value) ? number : undefined
  } catch (error) {
    if (error instanceof NoValue) return undefined
    throw error
  }
}

class NoValue extends Error {}

/** The tokens up to the end, which is "", or up to what is none. */
function tokenize(text: string): string[] {
  const tokens: string[] = []
  token.lastIndex = 0
  while (tokens.at(-1) !== '' && tokens.length <= longest) {
    const match = token.exec(text)
    if (match === null) break
    tokens.push(match[1])
  }
  return tokens
}

class Reader {
  private at = 0

  constructor(private readonly tokens: readonly string[]) {}

  atEnd(): boolean {
    // No power may follow a factorial, so that one is not looked at either.
    return this.peek(ends) || (this.peek('^') && this.tokens[this.at - 1] === '!')
  }

  sum(depth: number): PythonNumber {
    if (depth > deepest) throw new NoValue()
    let sum = this.product(depth)
    for (;;) {
      if (this.takeOne('+')) sum = combine(sum, this.product(depth), (a, b) => a + b)
      else if (this.takeOne('-')) sum = combine(sum, this.product(depth), (a, b) => a - b)
      else return sum
    }
  }

  /** A function ends the argument of another one that has no brackets (`inArgument`), and is a factor beside it. */
  private product(depth: number, inArgument = false): PythonNumber {
    let product = this.signed(depth, inArgument)
    for (;;) {
      if (this.takeOne('*', '\\times', '\\cdot'))
        product = combine(product, this.signed(depth, inArgument), (a, b) => a * b)
      else if (this.takeOne('/', ':', '\\div', '\\over'))
        product = quotient(product, this.signed(depth, inArgument))
      else return product
    }
  }

  private signed(depth: number, inArgument: boolean): PythonNumber {
    let sign = 1
    for (;;) {
      if (this.takeOne('-')) sign = -sign
      else if (!this.takeOne('+'))
        return combine(int(sign), this.juxtaposed(depth, inArgument), (a, b) => a * b)
    }
  }

  /** Factors without a sign between them. */
  private juxtaposed(depth: number, inArgument: boolean): PythonNumber {
    let product = this.power(depth)
    while (this.peek(factors) || this.peek(/^\.?\d/) || (!inArgument && this.peek(calls)))
      product = combine(product, this.power(depth), (a, b) => a * b)
    return product
  }

  /** Powers from left to right, then factorials. */
  private power(depth: number): PythonNumber {
    let value = this.atom(depth)
    while (this.takeOne('^')) {
      value = power(value, this.exponent(depth))
      // An index of an exponent is read and counts for nothing.
      if (this.takeOne('_')) this.exponent(depth)
    }
    while (this.takeOne('!')) value = int(factorial(value))
    return value
  }

  /** A number or a group in braces, and nothing else. */
  private exponent(depth: number): PythonNumber {
    return this.peek('{') ? this.group('{', depth) : this.leaf(this.next())
  }

  private atom(depth: number): PythonNumber {
    const sized = this.takeOne('\\left')
    if (this.peek(brackets)) return this.group(this.tokens[this.at], depth, sized)
    if (sized) throw new NoValue()
    const next = this.next()
    if (next === 'e' && this.takeOne('^')) return exponential(this.exponent(depth))
    if (functions.has(next)) return this.call(next, depth)
    if (/^\\[dt]?frac$/.test(next)) return quotient(this.group('{', depth), this.group('{', depth))
    if (/^\\[dt]?binom$/.test(next)) return int(binomial(this.group('{', depth), this.group('{', depth)))
    if (next === '\\sqrt') {
      const degree = this.peek('[') ? this.group('[', depth) : int(2)
      return root(this.group('{', depth), degree)
    }
    if (next === '\\lfloor') {
      const { value } = this.sum(depth + 1)
      if (!this.takeOne('\\rfloor')) throw new NoValue()
      return int(Math.floor(value))
    }
    return this.leaf(next)
  }

  /** `\sin(x)`, `\sin x`, `\sin^2 x`, `\sin^{-1} x`, `\log_2 x`. */
  private call(name: string, depth: number): PythonNumber {
    if (depth > deepest) throw new NoValue()
    const { rule, inverse } = functions.get(name) ?? {}
    const base = this.takeOne('_') ? this.exponent(depth) : undefined
    const degree = this.takeOne('^') ? this.exponent(depth) : int(0)
    const { value: x } = this.peek('(') ? this.group('(', depth) : this.product(depth + 1, true)
    if (degree.value === -1 && inverse !== undefined) return { value: inverse(x), whole: false }
    const value = rule?.(x, base?.value) ?? NaN
    return { value: degree.value === 0 ? value : value ** degree.value, whole: false }
  }

  private leaf(text: string): PythonNumber {
    if (text === '\\pi') return { value: Math.PI, whole: false }
    if (!/^\.?\d/.test(text)) throw new NoValue()
    const percent = text.endsWith('\\%')
    const value = Number(text.replace('\\%', '').replaceAll(',', '')) / (percent ? 100 : 1)
    return { value, whole: Number.isInteger(value) }
  }

  /** `sized`: between `\left` and `\right`. */
  private group(open: string, depth: number, sized = false): PythonNumber {
    if (!this.takeOne(open)) throw new NoValue()
    const value = this.sum(depth + 1)
    if (sized && !this.takeOne('\\right')) throw new NoValue()
    if (!this.takeOne(brackets.get(open) ?? '')) throw new NoValue()
    return value
  }

  private next(): string {
    if (this.at === this.tokens.length) throw new NoValue()
    return this.tokens[this.at++]
  }

  private peek(wanted: string | RegExp | { has: (text: string) => boolean }): boolean {
    if (this.at === this.tokens.length) return false
    const text = this.tokens[this.at]
    if (typeof wanted === 'string') return text === wanted
    return wanted instanceof RegExp ? wanted.test(text) : wanted.has(text)
  }

  private takeOne(...texts: string[]): boolean {
    if (this.at === this.tokens.length || !texts.includes(this.tokens[this.at])) return false
    this.at++
    return true
  }
}

function int(value: number): PythonNumber {
  // An int has no -0.
  return { value: value + 0, whole: true }
}

function combine(a: PythonNumber, b: PythonNumber, rule: (a: number, b: number) => number): PythonNumber {
  // Python has the sign in the numerator, and 0 has none there.
  const value = rule(a.value, b.value) + 0
  return a.whole && b.whole ? int(value) : { value, whole: false }
}

function quotient(a: PythonNumber, b: PythonNumber): PythonNumber {
  if (b.value === 0) throw new NoValue()
  return { value: a.value / b.value, whole: false }
}

function power(base: PythonNumber, exponent: PythonNumber): PythonNumber {
  const value = base.value ** exponent.value
  return base.whole && exponent.whole && exponent.value >= 0 ? int(value) : { value, whole: false }
}

/** Sympy writes the power 1 as E, which Python does not know. */
function exponential({ value }: PythonNumber): PythonNumber {
  if (value === 1) throw new NoValue()
  return { value: Math.exp(value), whole: value === 0 }
}

function factorial({ value, whole }: PythonNumber): number {
  if (!whole || value < 0 || value > 170) throw new NoValue()
  let product = 1
  for (let factor = 2; factor <= value; factor++) product *= factor
  return product
}

function binomial(n: PythonNumber, k: PythonNumber): number {
  if (!n.whole || !k.whole || n.value < 0 || k.value < 0 || n.value > longest) throw new NoValue()
  let product = 1
  for (let i = 1; i <= k.value && product > 0; i++) product = (product * (n.value - k.value + i)) / i
  return Math.max(0, Math.round(product))
}

function root({ value }: PythonNumber, { value: degree }: PythonNumber): PythonNumber {
  if (degree === 2) return { value: Math.sqrt(value), whole: false }
  return { value: value ** (1 / degree), whole: false }
}
