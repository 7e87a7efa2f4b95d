/** The room that is left on a disk. */
import { statfs } from 'node:fs/promises'

/** The bytes that may still be written where a folder is; `undefined` where the file system does not say. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  const disk = await statfs(folder).catch(() => undefined)
  return disk === undefined || disk.blocks === 0 ? undefined : disk.bavail * disk.bsize
}
