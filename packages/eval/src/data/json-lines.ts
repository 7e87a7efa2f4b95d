/** Rows of a JSON-lines file: one object a line, blank lines left out. Held in memory; pictures are paths in it. */
import { readFile } from 'node:fs/promises'
import { EvolmmError } from '@evolmm/internal'
import type { Row } from '../task'
import { unreadable } from './file-buffer'
import type { RowReader } from './row-reader'

export async function openJsonLines(path: string): Promise<RowReader> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(path, error)
  })
  const rows: Row[] = []
  for (const [i, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries())
    if (line.trim() !== '') rows.push(parseLine(path, i + 1, line))
  return {
    length: rows.length,
    // eslint-disable-next-line @typescript-eslint/require-await -- the other readers have to wait
    async *read(start, end) {
      yield* rows.slice(start, end)
    },
    close: () => Promise.resolve(),
  }
}

function parseLine(path: string, number: number, line: string): Row {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw invalidLine(path, number, line, cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidLine(path, number, line)
  return value as Row
}

function invalidLine(path: string, number: number, line: string, cause?: unknown): EvolmmError {
  const shown = JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line)
  return new EvolmmError(
    'INVALID_LINE',
    `${path}:${number}: must be one JSON object, got ${shown}; correct the line`,
    { details: { path, line: number }, ...(cause !== undefined && { cause }) },
  )
}
