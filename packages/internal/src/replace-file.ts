/** Files that appear whole or not at all: written aside, synced, renamed. */
import { randomBytes } from 'node:crypto'
import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { unwritable } from './file-errors'

/** What is to be written, or a function that writes it in pieces. */
export type FileContent = string | Uint8Array | ((output: FileHandle) => Promise<void>)

/** A name beside `path` that no other process uses. */
export function asideOf(path: string): string {
  const target = resolve(path)
  return join(dirname(target), `.${basename(target)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`)
}

/** Makes names in `folder` durable, where the platform lets folders be synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder).catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

/** Writes a file that is not there yet, and syncs it. */
export async function writeSynced(file: string, content: FileContent): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    if (typeof content === 'function') await content(handle)
    else await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Whoever opens `file` sees the old one or the whole new one. Throws what `content` throws, or `UNWRITABLE_FILE`; then the
 * old one is there.
 */
export async function replaceFile(file: string, content: FileContent): Promise<void> {
  const target = resolve(file)
  const aside = asideOf(target)
  try {
    await writeSynced(aside, content)
    await rename(aside, target)
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined)
    unwritable(file)(error)
  }
  await syncFolder(dirname(target))
}

/**
 * Removes what processes that were killed left aside in `folder` of files and folders whose names have this beginning. It is
 * for whoever alone writes such names.
 */
export async function removeLeftovers(folder: string, beginning: string): Promise<void> {
  const names = (await readdir(folder)).filter(
    (name) => name.startsWith(`.${beginning}`) && name.endsWith('.tmp'),
  )
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true })
}
