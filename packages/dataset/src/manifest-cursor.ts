/** Looks entries up in a sorted stream, for callers that ask in the same order: a merge, in constant memory. */
import { stat } from 'node:fs/promises'
import { comparePaths } from './compare-paths'
import type { FileStamp, ManifestEntry } from './manifest-file'

export class ManifestCursor {
  readonly #entries: AsyncIterator<ManifestEntry>
  #current: IteratorResult<ManifestEntry> | undefined

  constructor(entries: AsyncIterable<ManifestEntry>) {
    this.#entries = entries[Symbol.asyncIterator]()
  }

  /** The entry for `path`; each call must ask for a later path than the one before. */
  async find(path: string): Promise<ManifestEntry | undefined> {
    this.#current ??= await this.#entries.next()
    while (!this.#current.done) {
      const order = comparePaths(this.#current.value.path, path)
      if (order === 0) return this.#current.value
      if (order > 0) break
      this.#current = await this.#entries.next()
    }
    return undefined
  }

  /** Reads what is left, so that damage at the end of the file is noticed too, or else gives up the file. */
  async finish(): Promise<void> {
    while (!this.#current?.done) this.#current = await this.#entries.next()
  }
}

/** Size and time of last change; zeros for what cannot be looked at, which never equals those of an image. */
export async function stampOf(path: string): Promise<FileStamp> {
  try {
    const { size, mtimeMs } = await stat(path)
    return { size, mtime: mtimeMs }
  } catch {
    return { size: 0, mtime: 0 }
  }
}

/**
 * An entry is current if it still tells the truth. Who may read a file can change without a trace: 'unreadable' never
 * is.
 */
export function isCurrent(
  entry: FileStamp & { skipped?: string | undefined },
  { size, mtime }: FileStamp,
): boolean {
  return entry.size === size && entry.mtime === mtime && entry.skipped !== 'unreadable'
}
