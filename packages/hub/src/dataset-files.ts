/**
 * The files of a data set and which revision of it they are: in a folder that the caller names, or in a snapshot of the
 * hub, downloaded or cached. A file by itself is a data set too.
 */
import { checkNames, checkObject } from '@evolmm/internal'
import { createHash } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { unreadable } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import { downloadSnapshot } from './download-snapshot'
import type { FileSelection } from './file-selection'
import { askingNames, type HubOptions } from './hub-options'

export interface HubDataset {
  /** Name on the hub, `owner/name`. */
  dataset: string
  /** Paths in the repository; `*` stands for any characters but "/", and only in the last part. */
  files: string
}

export interface DatasetFilesOptions extends Omit<HubOptions, 'repoType' | keyof FileSelection> {
  /**
   * A copy of the data set: its files under their paths in the repository, or directly in it. Copies of several may lie
   * in sub-folders `owner/name` or `name`. @default the hub's
   */
  folder?: string | undefined
}

export interface DatasetFiles {
  /** Sorted; at least one. */
  paths: string[]
  /** A commit of the hub, or a digest of the files. */
  revision: string
}

/** Throws `DATASET_FILES_NOT_FOUND`, `DATASET_INCOMPLETE`, `UNREADABLE_FILE`, and what `downloadSnapshot` throws. */
export async function datasetFiles(
  source: HubDataset | { file: string },
  given: DatasetFilesOptions = {},
): Promise<DatasetFiles> {
  checkNames('datasetFiles', given, { ...askingNames, folder: true })
  checkObject('source', source)
  const { folder, ...options } = given
  if ('file' in source) return { paths: [source.file], revision: await digest([source.file]) }
  if (folder !== undefined) {
    const paths = await filesIn(folder, source)
    return { paths, revision: await digest(paths) }
  }
  const { dataset, files } = source
  const snapshot = await downloadSnapshot(dataset, { ...options, repoType: 'dataset', allow: [files] })
  return { paths: await filesIn(snapshot.folder, source), revision: snapshot.commit }
}

/**
 * The files lie as in the repository, or directly in the folder, or in a sub-folder with the name of the data set.
 */
async function filesIn(folder: string, { dataset, files }: HubDataset): Promise<string[]> {
  const copies = [join(folder, dataset), join(folder, basename(dataset)), folder]
  for (const place of copies.flatMap((copy) => [join(copy, dirname(files)), copy])) {
    const names = (await list(place)).filter((name) => matches(name, basename(files))).sort()
    if (names.length === 0) continue
    checkShards(place, names)
    return names.map((name) => join(place, name))
  }
  const present = await list(folder)
  throw new EvolmmError(
    'DATASET_FILES_NOT_FOUND',
    `${folder}: must hold ${files} of ${dataset}, got ${present.slice(0, 10).join(', ') || 'nothing'}; name the folder that holds these files`,
    { details: { folder, files } },
  )
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    return unreadable(folder)(error)
  })
}

function matches(name: string, pattern: string): boolean {
  const literal = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literal.join('.*')}$`).test(name)
}

/** `NAME-00001-of-00003.parquet` says how many there are; a data set without some of its rows is another one. */
function checkShards(folder: string, names: readonly string[]): void {
  const shards = new Map<string, { name: string; expected: number; found: number }>()
  for (const file of names) {
    const [stem, name, count] = /^(.*)-\d{5}-of-(\d{5})/.exec(file) ?? []
    if (stem === undefined) continue
    const key = `${name} ${count}`
    const found = (shards.get(key)?.found ?? 0) + 1
    shards.set(key, { name, expected: Number(count), found })
  }
  for (const { name, expected, found } of shards.values())
    if (found !== expected)
      throw new EvolmmError(
        'DATASET_INCOMPLETE',
        `${folder}: must hold all ${expected} files of ${name}, got ${found}; get the others too`,
        { details: { folder, expected, found } },
      )
}

/** Bytes at each end of a file by which it is known; a parquet file has its table of contents at its end. */
const sampled = 2 ** 20

async function digest(paths: readonly string[]): Promise<string> {
  const sum = createHash('sha256')
  for (const path of paths) {
    const file = await open(path).catch(unreadable(path))
    try {
      const { size } = await file.stat()
      sum.update(`${basename(path)}\0${size}\0`)
      const bytes = new Uint8Array(Math.min(size, sampled))
      for (const position of size > sampled ? [0, size - sampled] : [0]) {
        const { bytesRead } = await file.read(bytes, 0, bytes.length, position)
        sum.update(bytes.subarray(0, bytesRead))
      }
    } finally {
      await file.close()
    }
  }
  return `files-${sum.digest('hex').slice(0, 16)}`
}
