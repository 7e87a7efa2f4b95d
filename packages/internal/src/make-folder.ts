/**
 * Makes a folder and those above it. Node's own recursive form reports a disk that can only be read as ENOENT, and never
 * ends where the disk itself says ENOENT, as /proc does; this one reports what the disk said. A folder that is new is there
 * after a loss of power too, so that what is synced in it is not lost with it.
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from './replace-file'

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
  try {
    await mkdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return
  }
  await syncFolder(dirname(folder))
}
