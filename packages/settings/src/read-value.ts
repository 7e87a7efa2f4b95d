/**
 * The value of a setting from a text (a flag, an environment variable) or from JSON. What it cannot be is refused with
 * `INVALID_OPTION` under the name of the row.
 */
import { checkInteger, checkNumber, closest, numberOf, parseInteger, parseNumber } from '@evolmm/internal'
import { readSmallTextSync } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import { functionInFile } from './custom-function'
import type { Row } from './row'

export function readText(name: string, row: Row, text: string): unknown {
  if (row.firstOfSeveral === true && text.includes(','))
    return text.split(',').map((one) => readText(name, row, one))[0]
  const value = meant(row, text)
  if (hasNone(row) && value.trim().toLowerCase() === 'none') return null
  switch (row.kind) {
    case 'integer':
      return parseInteger(name, value, row)
    case 'number':
      return parseNumber(name, value, row)
    case 'amount':
      return checkAmount(name, numberOf(value))
    case 'bytes':
      return parseBytes(name, value)
    case 'switch':
      return parseSwitch(name, value)
    case 'list':
      return checkList(
        name,
        value.split(',').flatMap((part) => part.trim() || []),
      )
    case 'several':
      return checkList(name, [value])
    default:
      return checkText(name, row, value)
  }
}

export function readJson(name: string, row: Row, json: unknown): unknown {
  const value = typeof json === 'string' ? meant(row, json) : json
  if (value === null && row.default === null && row.required !== true) return null
  switch (row.kind) {
    case 'integer':
      return checkInteger(name, value, row)
    case 'number':
      return checkNumber(name, value, row)
    case 'amount':
      return checkAmount(name, value)
    case 'bytes':
      return typeof value === 'string' ? parseBytes(name, value) : checkInteger(name, value, { min: 0 })
    case 'switch':
      if (typeof value === 'boolean') return value
      throw invalid(name, 'be true or false', value)
    case 'list':
    case 'several':
      return checkList(name, value)
    default:
      if (typeof value === 'function' && row.custom) return value
      if (typeof value === 'string') return checkText(name, row, value)
      throw invalid(name, row.kind === 'choice' ? oneOf(row) : 'be a text', value)
  }
}

/** What is written in another way, as the setting knows it. */
function meant({ also = {} }: Row, text: string): string {
  return Object.hasOwn(also, text.trim()) ? (also[text.trim()] ?? text) : text
}

function hasNone({ default: otherwise, required, verbatim }: Row): boolean {
  return otherwise === null && required !== true && verbatim !== true
}

function checkText(name: string, row: Row, value: string): string {
  if (row.verbatim === true) return value
  if (value.trim() === '') throw invalid(name, 'be given a value', value, 'give it or leave it out')
  if (row.custom && functionInFile(value, ''))
    throw invalid(name, 'be the function itself here', value, 'import it and pass it')
  if (row.kind === 'choice') return checkChoice(name, row, value)
  const text = row.kind === 'prompt' && value.startsWith('@') ? fileText(name, value.slice(1)) : value
  if (row.must?.holds(text) === false) throw invalid(name, row.must.rule, text, row.must.remedy)
  return text
}

/** Choices may be written with `_` or `-`, as flags may. */
function checkChoice(name: string, row: Row, value: string): string {
  const { choices = [] } = row
  const meant = choices.find((one) => one === value.replaceAll('_', '-'))
  if (meant !== undefined) return meant
  if (row.numbered !== undefined && isNumbered(value, row.numbered)) return value
  const near = closest(value, choices)
  throw invalid(name, oneOf(row), value, near === undefined ? undefined : `did you mean ${near}?`)
}

/** A number of a thing that there are few of, such as a card. */
function isNumbered(value: string, what: string): boolean {
  return value.startsWith(`${what}:`) && /^(0|[1-9]\d{0,2})$/.test(value.slice(what.length + 1))
}

function oneOf({ choices = [], numbered, custom }: Row): string {
  const all = [...choices, ...(numbered === undefined ? [] : [`${numbered}:N`])]
  return `be one of ${all.join(', ')}${custom ? ', or a function (./file.mjs#name)' : ''}`
}

/** A share of what there is, or a count. */
function checkAmount(name: string, value: unknown): number {
  return typeof value === 'number' && value < 1
    ? checkNumber(name, value, { above: 0 })
    : checkInteger(name, value, { min: 1 })
}

function checkList(name: string, value: unknown): readonly string[] {
  const texts = Array.isArray(value) ? (value as unknown[]) : []
  if (texts.length > 0 && texts.every((one) => typeof one === 'string' && one.trim() !== ''))
    return texts as string[]
  throw invalid(name, 'be a list of one name or more', value)
}

function parseSwitch(name: string, value: string): boolean {
  const word = value.trim().toLowerCase()
  if (['1', 'true', 'yes', 'on'].includes(word)) return true
  if (['0', 'false', 'no', 'off'].includes(word)) return false
  throw invalid(name, 'be 1 or 0', value)
}

const units: ReadonlyMap<string, number> = new Map(
  Object.entries({
    b: 1,
    ...{ kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 },
    ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 },
  }),
)

function parseBytes(name: string, value: string): number {
  const [, digits = '', unit = ''] = /^\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*$/i.exec(value) ?? []
  // Nothing is nothing in any unit. Whoever writes 80 means gigabytes, and would get bytes.
  const scale = unit === '' && Number(digits) === 0 ? 1 : units.get(unit.toLowerCase())
  const size = Number(digits) * (scale ?? NaN)
  if (digits !== '' && Number.isSafeInteger(Math.round(size))) return Math.round(size)
  throw invalid(
    name,
    'be a number with its unit: B, kB, MB, GB, TB, KiB, MiB, GiB or TiB',
    value,
    remedyOf(digits, unit),
  )
}

function remedyOf(digits: string, unit: string): string | undefined {
  return digits !== '' && unit === '' ? `write ${digits}GB or ${digits}B` : undefined
}

/** The whole text without the newline that editors put at its end. */
function fileText(name: string, file: string): string {
  let text: string
  try {
    text = readSmallTextSync(file).replace(/\r?\n$/, '')
  } catch (error) {
    throw invalid(name, 'name a file that can be read behind @', `@${file}`, (error as Error).message)
  }
  if (text.trim() === '') throw invalid(name, 'name a file with a text in it', text)
  // A saved configuration holds the text itself, which must not be taken for the name of a file then.
  if (text.startsWith('@')) throw invalid(name, 'not begin with @', text, 'begin the text with a space')
  return text
}

function invalid(name: string, rule: string, got: unknown, fix = 'pass such a value'): EvolmmError {
  return new EvolmmError('INVALID_OPTION', `${name}: must ${rule}, got ${show(got)}; ${fix}`, {
    details: { option: name, value: got },
  })
}

function show(value: unknown): string {
  if (typeof value === 'string' && value.trim() === '') return 'an empty text'
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return Array.isArray(value) ? 'a list' : 'an object'
}
