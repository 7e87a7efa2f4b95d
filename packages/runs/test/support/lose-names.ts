/** What a loss of power does to names in folders: those that came after the last sync of their folder are gone. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'

export interface LostName {
  /** A file or folder that came to be, in place or from another name. */
  path: string
  /** The name before, which comes back. */
  from?: string
}

/** Takes the names back, the latest first. What was removed under a later name stays removed. */
export function loseNames(names: readonly LostName[]): void {
  for (const { path, from } of names.toReversed())
    if (from === undefined) rmSync(path, { recursive: true, force: true })
    else if (existsSync(path)) renameSync(path, from)
    else mkdirSync(from)
}
