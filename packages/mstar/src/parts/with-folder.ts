/** The folder of a run for a part of it: one process at a time writes there, the loop or a part. */
import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { lockFile, makeFolder, unwritable } from '@evolmm/internal/node'

/** Throws `OUTPUT_IN_USE`, `UNWRITABLE_FILE`, and what `work` throws. A folder in which nothing came to be is removed. */
export async function withFolder<T>(
  folder: string,
  work: (defer: (cleanup: () => unknown) => void) => Promise<T>,
): Promise<T> {
  await makeFolder(folder).catch(unwritable(folder))
  const unlock = await lockFile(join(folder, 'run.lock')).catch(unwritable(folder))
  const cleanups: (() => unknown)[] = []
  try {
    return await work((cleanup) => cleanups.unshift(cleanup))
  } finally {
    for (const cleanup of cleanups) await cleanup()
    await unlock()
    await rmdir(folder).catch(() => undefined)
  }
}
