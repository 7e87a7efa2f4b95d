import type { ManifestEntry } from './manifest-file'

/** Groups of two or more usable images with equal content, as paths in the order of the entries. */
export async function findDuplicates(
  entries: Iterable<ManifestEntry> | AsyncIterable<ManifestEntry>,
): Promise<string[][]> {
  const groups = new Map<string, string[]>()
  for await (const entry of entries) {
    if ('skipped' in entry) continue
    const group = groups.get(entry.sha256)
    if (group) group.push(entry.path)
    else groups.set(entry.sha256, [entry.path])
  }
  return [...groups.values()].filter((group) => group.length > 1)
}
