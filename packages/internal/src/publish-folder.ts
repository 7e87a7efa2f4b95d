/** Folders that appear whole or not at all: written aside, synced, renamed. */
import { mkdir, readdir, realpath, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { EvolmmError } from './errors'
import { unwritable } from './file-errors'
import { isThere } from './is-there'
import { makeFolder } from './make-folder'
import { asideOf, syncFolder } from './replace-file'

export interface PublishOptions {
  /** The file whose presence says that the folder is complete. */
  marker: string
  /** Replace a folder that has the marker. @default false */
  overwrite?: boolean
  /** Files of an earlier version that must not stay, by name. */
  stale?: (name: string) => boolean
}

/**
 * Lets `fill` write files into an empty folder and makes them the content of `folder`. A folder that is not there yet
 * appears as a whole. In one that is, only after all is written the old marker goes, the files move in and the marker
 * comes last; files of other names stay. Throws `WOULD_OVERWRITE` or `UNWRITABLE_FILE`.
 */
export async function publishFolder(
  folder: string,
  { marker, overwrite = false, stale = () => false }: PublishOptions,
  fill: (aside: string) => Promise<void>,
): Promise<void> {
  const target = await realpath(folder).catch(() => resolve(folder))
  if (!overwrite && (await isThere(join(target, marker))))
    throw new EvolmmError(
      'WOULD_OVERWRITE',
      `${folder}: must not have ${marker} yet, got one; choose another folder or pass overwrite: true`,
      { details: { folder } },
    )
  const aside = asideOf(target)
  try {
    await makeFolder(dirname(aside))
    await mkdir(aside)
    await fill(aside)
    await syncFolder(aside)
    if (await isThere(target)) await moveInto(target, aside, marker, stale)
    else await rename(aside, target)
    await syncFolder(dirname(target))
  } catch (error) {
    await rm(aside, { recursive: true, force: true }).catch(() => undefined)
    unwritable(target)(error)
  }
}

async function moveInto(
  target: string,
  aside: string,
  marker: string,
  stale: (name: string) => boolean,
): Promise<void> {
  const names = (await readdir(aside)).filter((name) => name !== marker)
  const before = await readdir(target)
  await rm(join(target, marker), { force: true })
  // A loss of power may undo any of what was not synced: the marker must be gone before, and come after, all else.
  await syncFolder(target)
  for (const name of before)
    if (stale(name) && !names.includes(name)) await rm(join(target, name), { force: true })
  for (const name of names) await rename(join(aside, name), join(target, name))
  await syncFolder(target)
  await rename(join(aside, marker), join(target, marker))
  await rmdir(aside)
  await syncFolder(target)
}
