/**
 * What a manifest says of the images of a scan, in a few bytes per image. An entry counts only if the file's size and
 * time of last change are still those of the entry; files are looked at when they are asked for.
 */
import { join } from 'node:path'
import { EvolmmError } from './errors'
import { isCurrent, ManifestCursor, stampOf } from './manifest-cursor'
import { readManifest, type Manifest, type ManifestEntry } from './manifest-file'
import type { CheckReason } from './check-image'
import type { UsabilityRules } from './options'
import type { ScannedImages } from './scan-images'
import type { Verdict } from './verdicts'

export class KnownImages {
  readonly #scanned: ScannedImages
  /** NaN where the manifest has no entry: it equals nothing. */
  readonly #sizes: Float64Array
  readonly #times: Float64Array
  readonly #skipped = new Map<number, { reason: CheckReason; detail: string }>()

  private constructor(scanned: ScannedImages) {
    this.#scanned = scanned
    this.#sizes = new Float64Array(scanned.length).fill(NaN)
    this.#times = new Float64Array(scanned.length).fill(NaN)
  }

  /** Reads the whole manifest; `visit` sees the entries of scanned images, in scan order. */
  static async read(
    file: string,
    scanned: ScannedImages,
    rules: UsabilityRules,
    visit: (index: number, entry: ManifestEntry) => void,
  ): Promise<KnownImages> {
    const manifest = await readManifest(file)
    refuseOtherRules(file, manifest, rules)
    const known = new KnownImages(scanned)
    const cursor = new ManifestCursor(manifest.entries)
    for (let index = 0; index < scanned.length; index++) {
      const entry = await cursor.find(scanned.at(index))
      if (entry === undefined) continue
      visit(index, entry)
      known.#sizes[index] = entry.size
      known.#times[index] = entry.mtime
      if ('skipped' in entry) known.#skipped.set(index, { reason: entry.skipped, detail: entry.detail })
    }
    await cursor.finish()
    return known
  }

  /** The manifest's verdict if it still holds. */
  async verdict(index: number): Promise<Verdict | undefined> {
    const [size, mtime] = [this.#sizes[index], this.#times[index]]
    const skipped = this.#skipped.get(index)
    const stamp = await stampOf(join(this.#scanned.root, this.#scanned.at(index)))
    if (!isCurrent({ size, mtime, skipped: skipped?.reason }, stamp)) return undefined
    return skipped === undefined ? { usable: true } : { usable: false, ...skipped }
  }
}

function refuseOtherRules(file: string, manifest: Manifest, rules: UsabilityRules): void {
  for (const name of ['maxPixels', 'acceptWrongExtension'] as const)
    if (manifest[name] !== rules[name])
      throw new EvolmmError(
        'MANIFEST_MISMATCH',
        `manifest ${file}: must be built with ${name} ${rules[name]}, got ${manifest[name]}; rebuild it or pass the same`,
        { details: { option: 'manifest', file, rule: name, manifest: manifest[name], dataset: rules[name] } },
      )
}
