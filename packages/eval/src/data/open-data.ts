/** The rows of a task, wherever they are. */
import { EvolmmError } from '@evolmm/internal'
import type { Task } from '../task'
import { findFiles, type FindFilesOptions } from './find-files'
import { openJsonLines } from './json-lines'
import { openParquet, type ParquetOptions } from './parquet-rows'
import { concatReaders, type RowReader } from './row-reader'

export type OpenDataOptions = FindFilesOptions & Pick<ParquetOptions, 'windowBytes'>

export interface Data extends RowReader {
  /** A commit of the hub, or a digest of the files. */
  readonly revision: string
}

export async function openData(
  { source, columns }: Pick<Task, 'source' | 'columns'>,
  options: OpenDataOptions = {},
): Promise<Data> {
  const { paths, revision } = await findFiles(source, options)
  const readers: RowReader[] = []
  try {
    for (const path of paths) readers.push(await openFile(path, columns, options.windowBytes))
  } catch (error) {
    for (const reader of readers) await reader.close()
    throw error
  }
  const all = concatReaders(readers)
  if (all.length > 0) return { ...all, revision }
  await all.close()
  throw new EvolmmError(
    'DATA_EMPTY',
    `${paths.join(', ')}: must hold at least one row, got none; name the file that was meant`,
    { details: { paths } },
  )
}

function openFile(
  path: string,
  columns: readonly string[] | undefined,
  windowBytes: number | undefined,
): Promise<RowReader> {
  if (path.endsWith('.parquet')) return openParquet(path, { columns, windowBytes })
  if (path.endsWith('.jsonl')) return openJsonLines(path)
  throw new EvolmmError(
    'UNKNOWN_FORMAT',
    `${path}: must be a .parquet or .jsonl file, got another name; convert it, or name it so`,
    { details: { path } },
  )
}
