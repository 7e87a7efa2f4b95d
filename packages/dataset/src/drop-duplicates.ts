/** Marks all but the first of images with equal content as skipped, so that no content is sampled twice. */
import { EvolmmError } from './errors'
import type { KnownImages } from './known-images'
import type { ScannedImages } from './scan-images'
import type { Verdicts } from './verdicts'

/** Files looked at together. */
const filesAtOnce = 32

/**
 * Settles every image of the scan. `hashes` holds the manifest's hash of each usable image. A usable image without a
 * current entry is an error, since its content is not known.
 */
export async function dropDuplicateImages(
  scanned: ScannedImages,
  known: KnownImages,
  hashes: ReadonlyMap<number, string>,
  verdicts: Verdicts,
): Promise<void> {
  const first = new Map<string | undefined, number>()
  for (let start = 0; start < scanned.length; start += filesAtOnce) {
    const count = Math.min(filesAtOnce, scanned.length - start)
    const found = await Promise.all(Array.from({ length: count }, (_, i) => known.verdict(start + i)))
    for (const [i, verdict] of found.entries()) {
      const index = start + i
      if (verdict === undefined) {
        await verdicts.learn(index)
        if (verdicts.isUsable(index)) throw incomplete(scanned.at(index))
        continue
      }
      const hash = hashes.get(index)
      const original = first.get(hash)
      if (original !== undefined) {
        verdicts.set(index, { reason: 'duplicate', detail: `its content is that of ${scanned.at(original)}` })
      } else {
        if (verdict.usable) first.set(hash, index)
        verdicts.settle(index, verdict)
      }
    }
  }
}

function incomplete(path: string): EvolmmError {
  return new EvolmmError(
    'MANIFEST_INCOMPLETE',
    `dropDuplicates: the manifest must have every image as it is now, got none for ${path}; rebuild it with buildManifest`,
    { details: { path } },
  )
}
