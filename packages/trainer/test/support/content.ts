import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Every file of a run with its content. */
export async function content(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name)
      files.set(path, (await readFile(path)).toString('base64'))
    }
  return files
}
