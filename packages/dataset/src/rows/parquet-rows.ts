/**
 * Rows of a parquet file. Only the chosen columns of one row group are in memory; of a large group with an offset index
 * only the pages of some of its rows.
 */
import { parquetSchema, type FileMetaData } from 'hyparquet'
import { open } from 'node:fs/promises'
import { checkInteger, isLfsPointer } from '@evolmm/internal'
import { unreadable } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import { closeParquet, parquetFooter, parquetRows } from './parquet-worker'
import { plainRow } from './plain-row'
import type { RowReader } from './row-reader'

export interface ParquetOptions {
  /** Columns that are read. @default all */
  columns?: readonly string[] | undefined
  /** Bytes read at a time, where the file can be read in such parts. @default 16 MiB */
  windowBytes?: number | undefined
  /** Milliseconds after which reading a part of a parquet file is ended: a damaged one may take for ever. @default 120,000 */
  readTimeout?: number | undefined
}

export async function openParquet(path: string, options: ParquetOptions = {}): Promise<RowReader> {
  const readTimeout = checkInteger('readTimeout', options.readTimeout ?? 120_000, {
    min: 1,
    max: 2 ** 31 - 1,
  })
  try {
    await refusePointer(path)
    const { metadata, size } = await parquetFooter(path, readTimeout)
    checkFooter(metadata, size)
    return parquetReader(path, metadata, { ...options, readTimeout })
  } catch (error) {
    closeParquet(path)
    return unusable(path)(error)
  }
}

async function refusePointer(path: string): Promise<void> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(64), 0, 64, 0)
    if (isLfsPointer(buffer.subarray(0, bytesRead)))
      throw new Error('a pointer of git-LFS; run "git lfs pull"')
  } finally {
    await handle.close()
  }
}

/** Throws unless what the footer says can be: the row groups have all the rows, and their columns lie in the file. */
function checkFooter(
  { num_rows: rows, row_groups: groups, metadata_length: footer }: FileMetaData,
  size: number,
): void {
  const end = size - 8 - footer
  const sum = groups.reduce((total, group) => total + group.num_rows, 0n)
  if (groups.some((group) => group.num_rows < 0n) || sum !== rows || sum > BigInt(Number.MAX_SAFE_INTEGER))
    throw new Error(`a footer of ${rows} rows with row groups of ${sum}`)
  for (const { meta_data: chunk } of groups.flatMap((group) => group.columns)) {
    if (chunk === undefined) continue
    const start = chunk.dictionary_page_offset ?? chunk.data_page_offset
    const { total_compressed_size: bytes, num_values: values, path_in_schema: name } = chunk
    if (start < 0n || bytes < 0n || values < 0n || start + bytes > BigInt(end))
      throw new Error(`column ${name.join('.')} at bytes ${start} to ${start + bytes} of ${end}`)
  }
}

function parquetReader(
  path: string,
  metadata: FileMetaData,
  { readTimeout, ...options }: ParquetOptions & { readTimeout: number },
): RowReader {
  const columns = chosenColumns(path, metadata, options.columns)
  const windows = readableWindows(
    metadata,
    columns,
    checkInteger('windowBytes', options.windowBytes ?? 2 ** 24, { min: 1 }),
  )
  return {
    length: Number(metadata.num_rows),
    async *read(start, end) {
      for (const window of windows) {
        const rowStart = Math.max(start, window.start)
        const rowEnd = Math.min(end, window.end)
        if (rowStart >= rowEnd) continue
        const rows = await parquetRows(path, { columns, rowStart, rowEnd }, readTimeout).catch(unusable(path))
        if (rows.length !== rowEnd - rowStart)
          unusable(path)(new Error(`${rows.length} rows where ${rowEnd - rowStart} must be`))
        for (const row of rows) yield plainRow(row)
      }
    },
    placeOf: (row) => `${path}, row ${row}`,
    close: () => {
      closeParquet(path)
      return Promise.resolve()
    },
  }
}

function chosenColumns(
  path: string,
  metadata: FileMetaData,
  wanted: readonly string[] | undefined,
): string[] {
  const present = parquetSchema(metadata).children.map(({ element }) => element.name)
  const missing = wanted?.filter((name) => !present.includes(name)) ?? []
  if (missing.length > 0)
    throw new EvolmmError(
      'COLUMN_MISSING',
      `${path}: must have the columns ${missing.join(', ')}, got ${present.join(', ')}; choose the data set that the task is made for`,
      { details: { path, missing, present } },
    )
  return wanted ? [...wanted] : present
}

interface Window {
  /** The number of its first row. */
  start: number
  /** The place behind the last row. */
  end: number
}

/** Ranges of rows that are read at once: a row group, or a part of one whose pages can be found. */
function readableWindows(metadata: FileMetaData, columns: readonly string[], windowBytes: number): Window[] {
  const windows: Window[] = []
  let first = 0
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows)
    const chunks = group.columns.filter((chunk) => columns.includes(chunk.meta_data?.path_in_schema[0] ?? ''))
    const bytes = chunks.reduce(
      (sum, { meta_data }) => sum + Number(meta_data?.total_compressed_size ?? 0),
      0,
    )
    // A chunk without an index is read again for each part.
    const divisible = chunks.every(
      ({ offset_index_length, meta_data }) =>
        offset_index_length !== undefined || Number(meta_data?.total_compressed_size) < windowBytes / 16,
    )
    const parts = divisible ? Math.min(rows, Math.ceil(bytes / windowBytes)) : 1
    for (let part = 0; part < parts; part++)
      windows.push({
        start: first + Math.floor((rows * part) / parts),
        end: first + Math.floor((rows * (part + 1)) / parts),
      })
    first += rows
  }
  return windows
}

/** What the system says of the file, or what is wrong with its content. */
function unusable(path: string): (cause: unknown) => never {
  return (cause) => {
    if (cause instanceof EvolmmError || (cause instanceof Error && 'syscall' in cause))
      return unreadable(path)(cause)
    throw new EvolmmError(
      'DATA_UNREADABLE',
      `${path}: must be a readable parquet file, got ${cause instanceof Error ? cause.message : String(cause)}; get it again`,
      { details: { path }, cause },
    )
  }
}
