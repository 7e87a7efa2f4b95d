/** Checks for options: each returns the value or throws `INVALID_OPTION` naming the option, the rule and the value. */
import { closest } from './closest'
import { EvolmmError } from './errors'

/** Bounds of a number; those left out do not bind. */
export interface Range {
  min?: number
  max?: number
  /** The value must be greater than this. */
  above?: number
  /** The value must be less than this. */
  below?: number
}

/** A finite number within `range`; the message shows it as it was `written`. */
export function checkNumber(name: string, value: unknown, range: Range = {}, written?: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || outside(value, range))
    throw invalid(name, value, `a finite number${describe(range)}`, written)
  return value
}

/** A safe integer within `range`; the message shows it as it was `written`. */
export function checkInteger(name: string, value: unknown, range: Range = {}, written?: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || outside(value, range))
    throw invalid(name, value, `an integer${describe(range)}`, written)
  return value
}

/** One of the listed strings. */
export function checkOneOf<const T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (!allowed.includes(value as T)) throw invalid(name, value, `one of ${allowed.join(', ')}`)
  return value as T
}

/**
 * No options but the known ones of `owner`: where nothing checks types, a mistyped one would count as left out. `known` has
 * to be whole, or it does not compile.
 */
export function checkNames<T extends object>(
  owner: string,
  options: T,
  known: { readonly [K in keyof Required<T>]: true },
): void {
  checkObject(`options of ${owner}`, options)
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name))
  if (unknown === undefined) return
  const near = closest(unknown, Object.keys(known))
  throw new EvolmmError(
    'INVALID_OPTION',
    `${unknown}: must be an option of ${owner}, got an unknown name; ${near === undefined ? 'leave it out' : `did you mean ${near}?`}`,
    { details: { option: unknown } },
  )
}

/** The value must be an object, no list, with methods of these names: the options of a function for instance. */
export function checkObject(name: string, value: unknown, ...methods: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(name, value, 'an object')
  for (const method of methods) checkFunction(`${name}.${method}`, (value as Record<string, unknown>)[method])
}

/** The value must be a list. */
export function checkList(name: string, value: unknown): void {
  if (!Array.isArray(value)) throw invalid(name, value, 'a list')
}

/** The value must be what a loop takes one after the other, at once or in time; a text is not. */
export function checkIterable(name: string, value: unknown): void {
  const some = Object(value) as object
  if (typeof value === 'string' || !(Symbol.iterator in some || Symbol.asyncIterator in some))
    throw invalid(name, value, 'iterable')
}

/** The value must be a function. */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw invalid(name, value, 'a function')
}

/** A string. The value is not shown: it may be a secret in a wrapper. */
export function checkText(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new EvolmmError(
    'INVALID_OPTION',
    `${name}: must be a string, got ${value === null ? 'null' : typeof value}; pass such a value`,
    { details: { option: name } },
  )
}

function outside(value: number, { min, max, above, below }: Range): boolean {
  return (
    (min !== undefined && value < min) ||
    (max !== undefined && value > max) ||
    (above !== undefined && value <= above) ||
    (below !== undefined && value >= below)
  )
}

function describe({ min, max, above, below }: Range): string {
  const bounds = [
    min !== undefined && `at least ${min}`,
    above !== undefined && `above ${above}`,
    max !== undefined && `at most ${max}`,
    below !== undefined && `below ${below}`,
  ].filter((bound) => bound !== false)
  return bounds.length > 0 ? ` ${bounds.join(' and ')}` : ''
}

function invalid(name: string, value: unknown, rule: string, written?: string): EvolmmError {
  return new EvolmmError(
    'INVALID_OPTION',
    `${name}: must be ${rule}, got ${written ?? show(value)}; pass such a value`,
    {
      details: { option: name, value },
    },
  )
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return String(value)
}
