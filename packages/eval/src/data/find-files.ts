/**
 * The files of a data set and which revision of it they are: in a folder that the caller names, or in a snapshot of the
 * hub, downloaded or found in the cache that all Hugging Face libraries share.
 */
import { createHash } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import type { DataSource } from '../task'
import { unreadable } from './file-buffer'
import { cachedSnapshot } from './hub-cache'

type HubSource = Extract<DataSource, { dataset: string }>

/** What `downloadSnapshot` of @evolmm/vlm is. */
export type Download = (
  id: string,
  options: {
    repoType: 'dataset'
    revision?: string | undefined
    allow: readonly string[]
    signal?: AbortSignal | undefined
  },
) => Promise<{ folder: string; commit: string }>

export interface FindFilesOptions {
  /**
   * A copy of the data set: its files under their paths in the repository, or directly in it. Copies of several may lie
   * in sub-folders `owner/name` or `name`. @default the hub's
   */
  folder?: string | undefined
  /** Branch, tag or commit on the hub. @default 'main' */
  revision?: string | undefined
  /** @default looks into the cache only */
  download?: Download | undefined
  /** @default process.env */
  environment?: Readonly<Record<string, string | undefined>> | undefined
  signal?: AbortSignal | undefined
}

export interface FoundFiles {
  /** Sorted. */
  paths: string[]
  /** A commit of the hub, or a digest of the files. */
  revision: string
}

export async function findFiles(source: DataSource, options: FindFilesOptions = {}): Promise<FoundFiles> {
  if ('file' in source) return { paths: [source.file], revision: await digest([source.file]) }
  if (options.folder !== undefined) {
    const paths = await filesIn(options.folder, source)
    return { paths, revision: await digest(paths) }
  }
  const { revision = 'main', download, signal } = options
  const snapshot = download
    ? await download(source.dataset, { repoType: 'dataset', revision, allow: [source.files], signal })
    : await cachedSnapshot(source.dataset, revision, options.environment ?? process.env)
  if (snapshot === undefined)
    throw new EvolmmError(
      'DATA_NOT_FOUND',
      `${source.dataset}: must be in the Hugging Face cache at revision ${revision}, got none; download it, name its folder, or pass \`download\``,
      { details: { dataset: source.dataset, revision } },
    )
  return { paths: await filesIn(snapshot.folder, source), revision: snapshot.commit }
}

/**
 * The files lie as in the repository, or directly in the folder, or in a sub-folder with the name of the data set.
 */
async function filesIn(folder: string, { dataset, files }: HubSource): Promise<string[]> {
  const copies = [join(folder, dataset), join(folder, basename(dataset)), folder]
  for (const place of copies.flatMap((copy) => [join(copy, dirname(files)), copy])) {
    const names = (await list(place)).filter((name) => matches(name, basename(files))).sort()
    if (names.length === 0) continue
    checkShards(place, names)
    return names.map((name) => join(place, name))
  }
  const present = await list(folder)
  throw new EvolmmError(
    'DATA_NOT_FOUND',
    `${folder}: must hold ${files} of ${dataset}, got ${present.slice(0, 10).join(', ') || 'nothing'}; name the folder that holds these files`,
    { details: { folder, files } },
  )
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw unreadable(folder, error, 'folder')
  })
}

function matches(name: string, pattern: string): boolean {
  const literal = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literal.join('.*')}$`).test(name)
}

/** `NAME-00001-of-00003.parquet` says how many there are; a benchmark without some of its rows is another one. */
function checkShards(folder: string, names: readonly string[]): void {
  const shards = new Map<string, number>()
  for (const name of names) {
    const of = /^(.*)-\d{5}-of-(\d{5})/.exec(name)
    if (of) shards.set(`${of[1]} ${of[2]}`, (shards.get(`${of[1]} ${of[2]}`) ?? 0) + 1)
  }
  for (const [key, count] of shards) {
    const expected = Number(key.slice(key.lastIndexOf(' ') + 1))
    if (count !== expected)
      throw new EvolmmError(
        'DATA_INCOMPLETE',
        `${folder}: must hold all ${expected} files of ${key.slice(0, key.lastIndexOf(' '))}, got ${count}; get the others too`,
        { details: { folder, expected, found: count } },
      )
  }
}

/** Bytes at each end of a file by which it is known; a parquet file has its table of contents at its end. */
const sampled = 2 ** 20

async function digest(paths: readonly string[]): Promise<string> {
  const sum = createHash('sha256')
  for (const path of paths) {
    const file = await open(path).catch((error: unknown) => {
      throw unreadable(path, error)
    })
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
