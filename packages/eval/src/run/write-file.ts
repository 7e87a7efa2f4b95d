/** A file that is there whole or not at all. */
import { open, rename } from 'node:fs/promises'

export async function writeWhole(path: string, chunks: Iterable<string>): Promise<void> {
  const file = await open(`${path}.tmp`, 'w')
  try {
    for (const chunk of chunks) await file.appendFile(chunk)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.tmp`, path)
}
