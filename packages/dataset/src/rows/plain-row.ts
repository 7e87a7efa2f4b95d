/** A row in plain values: integers as numbers (as digits where a double cannot hold them), dates as ISO texts. */
import type { DataRow } from './row-reader'

export function plainRow(row: Readonly<Record<string, unknown>>): DataRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]))
}

function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (typeof value !== 'object' || value instanceof Uint8Array) return value
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  return plainRow(value as Record<string, unknown>)
}
