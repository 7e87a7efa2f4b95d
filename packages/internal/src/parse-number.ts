/** Numbers as people write them on a command line or in the environment, refused in the words in which they came. */
import { checkInteger, checkNumber, type Range } from './check'

export function parseInteger(name: string, text: string, range: Range = {}): number {
  const value = numberOf(text)
  const tooLarge = typeof value === 'number' && value > Number.MAX_SAFE_INTEGER
  const most = tooLarge ? { max: Number.MAX_SAFE_INTEGER, ...range } : range
  return checkInteger(name, value, most, asWritten(value, text))
}

export function parseNumber(name: string, text: string, range: Range = {}): number {
  const value = numberOf(text)
  return checkNumber(name, value, range, asWritten(value, text))
}

/** Leaves alone what is no decimal number, for a check to refuse it as it was written. */
export function numberOf(text: string): unknown {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : text
}

/** A number as it was written, 1e400 and not Infinity; nothing for another text, which is shown in quotes. */
function asWritten(value: unknown, text: string): string | undefined {
  return typeof value === 'number' ? text.trim() : undefined
}
