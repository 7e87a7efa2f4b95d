/** The rows of a file or of a data set, wherever they are. */
import { checkNames, checkObject } from '@evolmm/internal'
import { datasetFiles, type DatasetFilesOptions, type HubDataset } from '@evolmm/hub'
import { EvolmmError } from '../errors'
import { isJsonArray, openJsonArray } from './json-array'
import { openJsonLines } from './json-lines'
import { openParquet, type ParquetOptions } from './parquet-rows'
import { concatReaders, type RowReader } from './row-reader'

export interface FileSource {
  /** The path of a `.parquet` file, of a `.json` file that holds a list, or of JSON lines by any other name. */
  file: string
}

/** A file, or a data set of the hub. */
export type RowSource = FileSource | HubDataset

export type OpenRowsOptions = DatasetFilesOptions & ParquetOptions

export interface DataRows extends RowReader {
  /** A commit of the hub, or a digest of the files. */
  readonly revision: string
}

/**
 * A data set of the hub is downloaded unless the cache that all Hugging Face libraries share has it, or `folder` does.
 */
export async function openRows(source: RowSource, options: OpenRowsOptions = {}): Promise<DataRows> {
  checkNames('openRows', options, {
    home: true,
    cacheFolder: true,
    token: true,
    tokenPath: true,
    endpoint: true,
    offline: true,
    concurrency: true,
    retries: true,
    timeout: true,
    signal: true,
    onProgress: true,
    onWarning: true,
    fetch: true,
    sleep: true,
    environment: true,
    revision: true,
    folder: true,
    columns: true,
    windowBytes: true,
    readTimeout: true,
  })
  checkObject('source', source)
  const { columns, windowBytes, readTimeout, ...where } = options
  const { paths, revision } = await datasetFiles(source, where)
  const readers: RowReader[] = []
  try {
    for (const path of paths) readers.push(await openFile(path, { columns, windowBytes, readTimeout }))
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

/** Formats that people have data in, and that would otherwise be refused for their first line. */
const otherFormat = /\.(csv|tsv|xlsx?|arrow|feather|gz|zip|tar)$/i

async function openFile(path: string, options: ParquetOptions): Promise<RowReader> {
  if (path.endsWith('.parquet')) return openParquet(path, options)
  if (path.endsWith('.json') && (await isJsonArray(path))) return openJsonArray(path)
  if (!otherFormat.test(path)) return openJsonLines(path)
  throw new EvolmmError(
    'UNKNOWN_FORMAT',
    `${path}: must be a .parquet, .json or .jsonl file, got another format; convert it`,
    { details: { path } },
  )
}
