import { checkIterable, checkObject } from '@evolmm/internal'
import type { ManifestEntry } from './manifest-file'

/** Groups of two or more usable images with equal content, as paths in the order of the entries. */
export async function findDuplicates(
  entries: Iterable<ManifestEntry> | AsyncIterable<ManifestEntry>,
): Promise<string[][]> {
  checkIterable('entries', entries)
  const groups = new Map<string, string[]>()
  for await (const entry of entries) {
    checkObject('entries', entry)
    if ('skipped' in entry) continue
    const group = groups.get(entry.sha256)
    if (group) group.push(entry.path)
    else groups.set(entry.sha256, [entry.path])
  }
  return [...groups.values()].filter((group) => group.length > 1)
}
