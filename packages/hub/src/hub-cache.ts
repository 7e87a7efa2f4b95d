/**
 * The cache folder that all Hugging Face libraries share:
 *
 *     models--ORG--NAME/blobs/HASH            contents
 *                       refs/REVISION         the commit that a branch or tag last pointed to
 *                       snapshots/COMMIT/PATH relative links to blobs
 *                       trees/COMMIT.json     all files of the commit, by which a snapshot is known to be whole
 */
import { randomUUID } from 'node:crypto'
import { copyFile, readdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join, posix, relative, sep } from 'node:path'
import { parseJson } from '@evolmm/internal'
import { isSafePath, makeFolder, readSmallText, replaceFile } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import { selectFiles, unmetPatterns, type FileSelection } from './file-selection'
import { isReadOnly } from './hub-error'
import type { HubSettings } from './hub-options'
import { isCommit, isSize, type Listing, type RemoteFile } from './list-files'

export interface RepoCache {
  /** `models--ORG--NAME` in the cache folder. */
  folder: string
  locks: string
}

export function repoCache({ cacheFolder, repoType }: HubSettings, id: string): RepoCache {
  const name = [`${repoType}s`, ...id.split('/')].join('--')
  return { folder: join(cacheFolder, name), locks: join(cacheFolder, '.locks', name) }
}

export function snapshotFolder({ folder }: RepoCache, commit: string): string {
  return join(folder, 'snapshots', commit)
}

export async function readRef({ folder }: RepoCache, revision: string): Promise<string | undefined> {
  const commit = (await readSmallText(join(folder, 'refs', revision)).catch(() => '')).trim()
  return isCommit(commit) ? commit : undefined
}

export async function writeRef({ folder }: RepoCache, revision: string, commit: string): Promise<void> {
  await writeNote(join(folder, 'refs', revision), commit)
}

/** What is wanted of a snapshot and not there; undefined if there is no such snapshot at all. */
export async function missingFiles(
  cache: RepoCache,
  commit: string,
  selection: FileSelection,
): Promise<string[] | undefined> {
  const folder = snapshotFolder(cache, commit)
  const present = await listFolder(folder)
  if (present === undefined) return undefined
  const listing = await readListing(cache, commit)
  if (listing !== undefined) {
    const wanted = selectFiles(listing.files, selection)
    const there = await Promise.all(wanted.map(({ path, size }) => hasFile(join(folder, path), size)))
    return [
      ...wanted.map(({ path }) => path).filter((_, i) => !there[i]),
      ...unmetPatterns(
        wanted.map(({ path }) => path),
        selection,
      ),
    ]
  }
  // Written by a library that leaves no listing: the index of a sharded model is one.
  const paths = selectFiles(
    present.map((path) => ({ path })),
    selection,
  ).map(({ path }) => path)
  if (paths.length === 0) return ['any file']
  const indexes = paths.filter((path) => path.endsWith('.safetensors.index.json'))
  const shards = await Promise.all(indexes.map((index) => missingShards(folder, index, present)))
  return [...unmetPatterns(paths, selection), ...shards.flat()]
}

/** Shards that an index names and the snapshot lacks; or the index, if it cannot be read. */
async function missingShards(folder: string, index: string, present: readonly string[]): Promise<string[]> {
  try {
    const text = await readSmallText(join(folder, index))
    const { weight_map: map } = parseJson(text) as { weight_map: Record<string, string> }
    const shards = [...new Set(Object.values(map))].map((name) => posix.join(posix.dirname(index), name))
    return shards.filter((path) => !present.includes(path))
  } catch {
    return [index]
  }
}

/** Files below a folder, by path with "/"; links to nothing are left out. */
async function listFolder(folder: string): Promise<string[] | undefined> {
  const names = await readdir(folder, { recursive: true }).catch(() => undefined)
  if (names === undefined) return undefined
  const there = await Promise.all(names.map((name) => hasFile(join(folder, name))))
  return names.filter((_, i) => there[i]).map((name) => name.split(sep).join('/'))
}

export async function hasFile(path: string, size?: number): Promise<boolean> {
  const entry = await stat(path).catch(() => undefined)
  return entry !== undefined && entry.isFile() && (size === undefined || entry.size === size)
}

interface TreeEntry {
  size?: unknown
  blob_id?: string
  lfs_sha256?: string
  lfs_size?: number
}

/** Reads the listing that we or huggingface_hub left; one of another version or with a bad entry counts as none. */
export async function readListing({ folder }: RepoCache, commit: string): Promise<Listing | undefined> {
  try {
    const tree = parseJson(await readSmallText(join(folder, 'trees', `${commit}.json`))) as {
      format_version: unknown
      files: Record<string, TreeEntry>
    }
    if (tree.format_version !== 1) return undefined
    const files = Object.entries(tree.files).map(([path, entry]): RemoteFile => {
      const { blob_id: blobId = '', lfs_sha256: hash = blobId, lfs_size: size = entry.size } = entry
      if (!isSafePath(path) || !isSize(size) || !/^[0-9a-f]{40,64}$/.test(hash)) throw new Error('bad entry')
      return { path, size, hash, blobId }
    })
    return { commit, files }
  } catch {
    return undefined
  }
}

/** Writes it if the hub told everything that it must hold. */
export async function writeListing({ folder }: RepoCache, { commit, files }: Listing): Promise<void> {
  const entries: [string, TreeEntry][] = []
  for (const { path, size, hash, blobId } of files) {
    if (size === undefined || hash === undefined || blobId === undefined) return
    const large = hash === blobId ? {} : { lfs_sha256: hash, lfs_size: size }
    entries.push([path, { size, blob_id: blobId, ...large }])
  }
  const text = JSON.stringify({ format_version: 1, files: Object.fromEntries(entries) }, null, 1)
  await writeNote(join(folder, 'trees', `${commit}.json`), text)
}

/** Makes a blob visible under its path. Where links are refused the snapshot gets a copy. */
export async function linkBlob(cache: RepoCache, commit: string, path: string, blob: string): Promise<void> {
  const pointer = join(snapshotFolder(cache, commit), path)
  const aside = join(dirname(blob), `${randomUUID()}.incomplete`)
  await makeFolder(dirname(pointer))
  try {
    await symlink(relative(dirname(pointer), blob), aside).catch(() => copyFile(blob, aside))
    await rename(aside, pointer)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}

/** Notes about a cache that can only be read are not needed: it is used as it is. */
async function writeNote(path: string, text: string): Promise<void> {
  try {
    if ((await readSmallText(path).catch(() => undefined)) === text) return
    await makeFolder(dirname(path))
    await replaceFile(path, text)
  } catch (error) {
    // What the disk itself says decides.
    const reason: unknown = error instanceof EvolmmError ? error.cause : error
    if (!isReadOnly(reason)) throw reason
  }
}
