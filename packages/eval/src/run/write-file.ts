/** A file that is there whole or not at all. */
import { open, rename } from 'node:fs/promises'
import { EvolmmError } from '@evolmm/internal'

export function writeWhole(path: string, chunks: Iterable<string>): Promise<void> {
  return writing(path, async () => {
    const file = await open(`${path}.tmp`, 'w')
    try {
      for (const chunk of chunks) await file.appendFile(chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.tmp`, path)
  })
}

/** What the disk says, as an error that names the place. */
export async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (cause) {
    if (cause instanceof EvolmmError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EvolmmError(
      'OUTPUT_FAILED',
      `${path}: must be writable, got ${reason}; choose another output path or make room, and run again`,
      { details: { path }, cause },
    )
  }
}
