/**
 * Makes a folder and those above it. Node's own recursive form reports a disk that can only be read as ENOENT, and never
 * ends where the disk itself says ENOENT, as /proc does; this one reports what the disk said.
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

export async function makeFolder(folder: string): Promise<void> {
  try {
    await make(folder)
  } catch (error) {
    const parent = dirname(folder)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder) throw error
    await makeFolder(parent)
    await make(folder)
  }
}

async function make(folder: string): Promise<void> {
  await mkdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  })
}
