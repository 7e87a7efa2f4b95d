/** Numbers as people write them on a command line or in the environment, refused in the words in which they came. */
import { checkInteger, checkNumber, type Range } from './check'
import { EvolmmError } from './errors'

export function parseInteger(name: string, text: string, range: Range = {}): number {
  return parse(text, (value) => {
    const tooLarge = typeof value === 'number' && value > Number.MAX_SAFE_INTEGER
    return checkInteger(name, value, tooLarge ? { max: Number.MAX_SAFE_INTEGER, ...range } : range)
  })
}

export function parseNumber(name: string, text: string, range: Range = {}): number {
  return parse(text, (value) => checkNumber(name, value, range))
}

/** Leaves alone what is no decimal number, for a check to refuse it as it was written. */
export function numberOf(text: string): unknown {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : text
}

function parse(text: string, check: (value: unknown) => number): number {
  const read = numberOf(text)
  try {
    return check(read)
  } catch (error) {
    if (!(error instanceof EvolmmError) || typeof read !== 'number') throw error
    const message = error.message.replace(`got ${read};`, () => `got ${text.trim()};`)
    throw new EvolmmError(error.code, message, { details: error.details })
  }
}
