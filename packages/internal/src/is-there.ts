import { stat } from 'node:fs/promises'

/** True if there is anything at a path, links followed. */
export async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
