import { stat } from 'node:fs/promises'
import { unreadable } from './file-errors'
import { readSmallFile } from './read-small-file'

/** True if there is anything at a path, links followed. */
export async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/** The content of a file; undefined where there is none. Throws `UNREADABLE_FILE`, for one of more than 64 MiB too. */
export async function readIfThere(file: string): Promise<Buffer | undefined> {
  return readSmallFile(file).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    return unreadable(file)(cause)
  })
}
