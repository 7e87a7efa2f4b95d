/**
 * Lists the images below a folder as the released loader does, in sorted order, in one pass and with bounded memory.
 *
 * Every folder is read as a stream and sorted on its own, with sub-folders compared as if their names ended in "/";
 * a depth-first walk then yields the paths in the order that sorting all of them would give. Besides the result, only
 * the listings of the folders on the way from the root to the current one are held.
 */
import { join, resolve } from 'node:path'
import { checkNames, counted } from '@evolmm/internal'
import { emitWarning, type WarningListener } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import { sortPaths } from './compare-paths'
import { checkFilledText, invalidOption } from './options'
import { PathList } from './path-list'
import { isFolder, readFolder, type FolderListing } from './read-folder'

export interface ScanOptions {
  /** The folder to scan. */
  root: string
  /** Names of first-level subfolders to scan. Default, also for an empty list: all whose names do not begin with a dot. */
  includeSubfolders?: readonly string[] | undefined
  /** Told of each problem that does not stop the scan. @default a Node process warning */
  onWarning?: WarningListener | undefined
}

/** Paths relative to `root`, separated by "/" on every platform, sorted by code point. */
export interface ScannedImages {
  /** The scanned folder as an absolute path. */
  readonly root: string
  readonly length: number
  /** The path at a place of the order, from 0. */
  at(index: number): string
  /** SHA-256 over all relative paths: equal when two scans found the same names. */
  fingerprint(): string
}

/** Sub-folders read ahead of the one that is being walked. */
const foldersAhead = 8

export async function scanImages(options: ScanOptions): Promise<ScannedImages> {
  checkNames('scanImages', options, { root: true, includeSubfolders: true, onWarning: true })
  const root = resolve(checkFilledText('root', options.root))
  const included = checkSubfolders(options.includeSubfolders)
  const warn = options.onWarning ?? emitWarning
  if (!(await isFolder(root)))
    throw new EvolmmError('INVALID_ROOT', `root: must be a folder, got ${root}; pass an existing folder`, {
      details: { option: 'root', root },
    })

  const paths = new PathList()
  let fingerprint: string | undefined
  /** Images of the root itself that are not used. */
  let beside = 0
  const scanned: ScannedImages = {
    root,
    get length() {
      return paths.length
    },
    at: (index) => paths.at(index),
    fingerprint: () => (fingerprint ??= paths.fingerprint()),
  }
  if (included) {
    const chosen = await existing(root, included, warn)
    if (chosen.length > 0) await walkAll(root, '', chosen, paths, warn)
    else await walk(root, '', await readFolder(root), paths, warn)
  } else {
    // Images beside first-level folders are left alone; without such folders they are what is wanted.
    const listing = await readFolder(root, true)
    const subfolders = listing.items.filter(isSubfolder)
    if (subfolders.length > 0) beside = listing.items.length - subfolders.length
    await walk(root, '', beside > 0 ? { ...listing, items: subfolders } : listing, paths, warn)
  }
  if (paths.length === 0)
    throw new EvolmmError(
      'NO_IMAGES',
      beside > 0
        ? `root: must hold an image in a subfolder, where it has any, found none in those of ${root} and ${beside} beside them; move these into a subfolder`
        : `root: must hold at least one image, found none in ${root}; check the path`,
      { details: { option: 'root', root, beside } },
    )
  if (beside > 0)
    warn(
      `${root}: ${counted(beside, 'image')} beside its subfolders; only what is in these is used`,
      'UNUSED_IMAGES',
    )
  return scanned
}

/** Those of the options that say what is scanned. */
export function scanOptions({ root, includeSubfolders, onWarning }: ScanOptions): ScanOptions {
  return { root, includeSubfolders, onWarning }
}

function checkSubfolders(names: unknown): string[] | undefined {
  if (names === undefined) return undefined
  if (!Array.isArray(names)) throw invalidOption('includeSubfolders', names, 'a list of names')
  if (names.length === 0) return undefined
  return names.map((name: unknown, i) => {
    const option = `includeSubfolders[${i}]`
    const text = checkFilledText(option, name)
    if (text === '.' || text === '..' || /[/\\\0]/.test(text))
      throw invalidOption(option, name, 'the name of a first-level subfolder')
    return text
  })
}

/** The included names that are folders, sorted, each once and ending in "/"; the others are warned about. */
async function existing(root: string, names: readonly string[], warn: WarningListener): Promise<string[]> {
  const found = []
  for (const name of new Set(names)) {
    if (await isFolder(join(root, name))) found.push(`${name}/`)
    else warn(`${root}: has no folder "${name}" to include; it is left out`, 'MISSING_SUBFOLDER')
  }
  if (found.length === 0)
    warn(`${root}: has none of the folders to include; the whole folder is scanned instead`, 'NO_SUBFOLDER')
  return sortPaths(found)
}

/** Adds all images of a listing and of what lies below it. `folder` is '' for the root, else ends in "/". */
async function walk(
  root: string,
  folder: string,
  { items, unusableNames, failure }: FolderListing,
  paths: PathList,
  warn: WarningListener,
): Promise<void> {
  if (failure !== undefined)
    warn(`${folder || root}: cannot be listed; left out (${failure})`, 'UNREADABLE_FOLDER')
  if (unusableNames > 0)
    warn(
      `${folder || root}: ${unusableNames} names in it are not valid UTF-8; these are left out`,
      'UNUSABLE_NAME',
    )
  await walkAll(root, folder, items, paths, warn)
}

/** Adds sorted items of one folder in order; the next few sub-folders are being read while the current one is walked. */
async function walkAll(
  root: string,
  folder: string,
  items: readonly string[],
  paths: PathList,
  warn: WarningListener,
): Promise<void> {
  const subfolders = items.filter(isSubfolder)
  const read = (name: string) => readFolder(join(root, folder, name))
  const ahead = subfolders.slice(0, foldersAhead).map(read)
  let started = ahead.length
  for (const item of items) {
    if (!isSubfolder(item)) {
      paths.append(folder + item)
      continue
    }
    const listing = await ahead.shift()
    if (started < subfolders.length) ahead.push(read(subfolders[started++]))
    if (listing !== undefined) await walk(root, folder + item, listing, paths, warn)
  }
}

function isSubfolder(item: string): boolean {
  return item.endsWith('/')
}
