/** Cells of a row by column, checked: a wrong dataset gives one error that names the column, and never a wrong score. */
import type { DataRow } from '@evolmm/dataset'
import { EvolmmError } from '../errors'

export function textColumn(row: DataRow, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw badColumn(column, 'a text', value)
  return value
}

/** A text or a number, as text. */
export function plainColumn(row: DataRow, column: string): string {
  const value = row[column]
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  return textColumn(row, column)
}

/** `undefined` for a column that is absent, null or empty. */
export function optionalText(row: DataRow, column: string): string | undefined {
  const value = row[column] ?? ''
  if (typeof value !== 'string') throw badColumn(column, 'a text or null', value)
  return value === '' ? undefined : value
}

/** The texts of a column; none for null. */
export function textsColumn(row: DataRow, column: string): string[] {
  const value = row[column] ?? []
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw badColumn(column, 'a list of texts', value)
  return value
}

/** The column must have at least one text. */
export function choicesColumn(row: DataRow, column: string): string[] {
  const choices = textsColumn(row, column)
  if (choices.length === 0) throw badColumn(column, 'a list with texts', row[column])
  return choices
}

export function indexColumn(row: DataRow, column: string): number {
  const value = Number(row[column])
  if (!Number.isSafeInteger(value) || value < 0) throw badColumn(column, 'an index', row[column])
  return value
}

/** The struct in a column; empty for null. */
export function structColumn(row: DataRow, column: string): DataRow {
  const value = row[column] ?? {}
  if (typeof value !== 'object' || Array.isArray(value)) throw badColumn(column, 'a struct', value)
  return value as DataRow
}

function badColumn(column: string, rule: string, value: unknown): EvolmmError {
  const list = Array.isArray(value) && (value.length === 0 ? 'an empty list' : 'a list')
  const got = value === null ? 'null' : list || typeof value
  return new EvolmmError(
    'COLUMN_INVALID',
    `${column}: must hold ${rule}, got ${got}; choose the dataset, configuration and split that the task is made for`,
    { details: { column } },
  )
}
