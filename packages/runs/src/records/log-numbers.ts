/**
 * Numbers in lines of JSON, which has no NaN and no infinities: they are written as text, so that a run that went wrong
 * shows where. A negative zero becomes 0.
 */

export type LogNumber = number | 'NaN' | 'Infinity' | '-Infinity'

type Numbers = Readonly<Record<string, number | null>>
type LogNumbers = Record<string, LogNumber | null>

/** It is `true` for what `toLogNumber` gives. */
export function isLogNumber(value: unknown): value is LogNumber | null {
  return (
    value === null ||
    typeof value === 'number' ||
    value === 'NaN' ||
    value === 'Infinity' ||
    value === '-Infinity'
  )
}

export function toLogNumber<N extends number | null>(
  value: N,
): N extends number ? LogNumber : LogNumber | null
export function toLogNumber(value: number | null): LogNumber | null {
  return value === null || Number.isFinite(value) ? value : (String(value) as LogNumber)
}

export function fromLogNumber<N extends LogNumber | null>(value: N): null extends N ? number | null : number
export function fromLogNumber(value: LogNumber | null): number | null {
  return value === null ? null : Number(value)
}

/** Numbers by names that are kept as they are. */
export function toLogNumbers(numbers: Numbers): LogNumbers {
  return mapEntries(numbers, (name, value) => [name, toLogNumber(value)])
}

export function fromLogNumbers(numbers: Readonly<LogNumbers>): Record<string, number | null> {
  return mapEntries(numbers, (name, value) => [name, fromLogNumber(value)])
}

/** A part of a record that holds numbers alone: the field `nextBeta` has the key `next_beta` in the line. */
export function toLogFields(fields: Numbers): LogNumbers {
  return mapEntries(fields, (name, value) => [snakeCase(name), toLogNumber(value)])
}

/** The fields of `toLogFields`; those that the line does not have are missing. */
export function fromLogFields(keys: Readonly<LogNumbers>): Record<string, number | null> {
  return mapEntries(keys, (name, value) => [camelCase(name), fromLogNumber(value)])
}

/** A value with its numbers at any depth as they can be written. */
export function numbersAsText(value: unknown): unknown {
  return mapDeep(value, (each) => (typeof each === 'number' ? toLogNumber(each) : each))
}

/** The opposite of `numbersAsText`. */
export function textAsNumbers(value: unknown): unknown {
  return mapDeep(value, (each) =>
    each === 'NaN' || each === 'Infinity' || each === '-Infinity' ? Number(each) : each,
  )
}

function mapDeep(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => mapDeep(each, change))
  if (typeof value !== 'object' || value === null) return change(value)
  return mapEntries(value as Readonly<Record<string, unknown>>, (name, each) => [name, mapDeep(each, change)])
}

function mapEntries<A, B>(
  values: Readonly<Record<string, A>>,
  change: (name: string, value: A) => [string, B],
): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => change(name, value)))
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
