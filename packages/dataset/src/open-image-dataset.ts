/**
 * A folder of images as an endless, seeded, sharded stream that can be entered at any step.
 *
 * `sampleAt(step)` is a function of the files, the options and `step` alone: any order of calls, a new process or a
 * resumed run gives the same image. Images are checked when they are first met; what is learnt is `state`.
 */
import { join } from 'node:path'
import { checkInteger, checkNames } from '@evolmm/internal'
import { emitWarning, type WarningListener } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import { checkImage } from './check-image'
import { dropDuplicateImages } from './drop-duplicates'
import { KnownImages } from './known-images'
import { checkBoolean, checkRules, checkFilledText, type UsabilityRules } from './options'
import { RankWalk } from './rank-walk'
import { scanImages, scanOptions, type ScannedImages, type ScanOptions } from './scan-images'
import { Verdicts, type DatasetCounts, type DatasetState, type SkipReason } from './verdicts'
import { warnSkipped } from './skipped-image'

/** The seed where nothing else is said; settings of methods have their default from here. */
export const defaultSeed = 42

export interface DatasetOptions extends ScanOptions, Partial<UsabilityRules> {
  /** Seed of the order, an integer from 0. @default {@link defaultSeed} */
  seed?: number | undefined
  /** True gives each epoch an order of its own; false repeats that of epoch 0. @default false */
  reshuffle?: boolean | undefined
  /** This process among `worldSize` that share the images. @default 0 of 1 */
  rank?: number | undefined
  worldSize?: number | undefined
  /** A manifest file from `buildManifest`: images that have not changed since need no check. */
  manifest?: string | undefined
  /** Sample only the first of images with equal content. Needs a manifest that covers every image. @default false */
  dropDuplicates?: boolean | undefined
  /** What an earlier process learnt: its `dataset.state`. */
  state?: DatasetState | undefined
}

export interface Sample {
  /** The absolute path of the file. */
  path: string
  /** The path from the root, separated by "/". */
  relativePath: string
  /** First-level subfolder, or '' for an image in the root itself. */
  subfolder: string
  /** The rank's pass over the data, from 0. */
  epoch: number
  /** Place in the sorted list of scanned images. */
  index: number
}

export interface SkippedImage {
  relativePath: string
  reason: SkipReason
  detail: string
}

export interface ImageDataset {
  /** The scanned folder as an absolute path. */
  readonly root: string
  /** Images found by the scan, usable or not. */
  readonly length: number
  /** The sample of a step, counted from 0 for each rank. */
  sampleAt(step: number): Promise<Sample>
  /** All samples from a step on, without end. */
  samples(from?: number): AsyncGenerator<Sample, never>
  /** The images found unusable so far, in scan order. */
  readonly skipped: SkippedImage[]
  readonly counts: DatasetCounts
  /** What is known of the images so far, for a later process to start from. */
  readonly state: DatasetState
}

/** Steps beyond this could leave the integers that JavaScript counts exactly. */
const lastStep = 2 ** 32 - 1

export async function openImageDataset(options: DatasetOptions): Promise<ImageDataset> {
  checkNames('openImageDataset', options, {
    root: true,
    includeSubfolders: true,
    onWarning: true,
    maxPixels: true,
    acceptWrongExtension: true,
    seed: true,
    reshuffle: true,
    rank: true,
    worldSize: true,
    manifest: true,
    dropDuplicates: true,
    state: true,
  })
  const settings = checkOptions(options)
  const { rules, seed, reshuffle, rank, worldSize } = settings
  const scanned = await scanImages(scanOptions(options))
  const { root, length } = scanned
  const verdicts = await openVerdicts(scanned, settings, options.onWarning ?? emitWarning)
  if (options.state !== undefined) verdicts.import(options.state, scanned.fingerprint(), rules)
  const walk = new RankWalk({ images: length, seed, reshuffle, rank, worldSize }, verdicts)

  async function sampleAt(step: number): Promise<Sample> {
    const { index, epoch } = await walk.find(checkInteger('step', step, { min: 0, max: lastStep }))
    const relativePath = scanned.at(index)
    const subfolder = relativePath.slice(0, Math.max(0, relativePath.indexOf('/')))
    return { path: join(root, relativePath), relativePath, subfolder, epoch, index }
  }
  return {
    root,
    length,
    sampleAt,
    async *samples(from = 0) {
      for (let step = from; ; step++) yield await sampleAt(step)
    },
    get skipped() {
      return verdicts.skipped().map(([index, why]) => ({ relativePath: scanned.at(index), ...why }))
    },
    get counts() {
      return verdicts.counts()
    },
    get state() {
      return verdicts.export(scanned.fingerprint(), rules)
    },
  }
}

type CheckedOptions = ReturnType<typeof checkOptions>

function checkOptions(options: DatasetOptions) {
  const worldSize = checkInteger('worldSize', options.worldSize ?? 1, { min: 1 })
  const settings = {
    rules: checkRules(options),
    seed: checkInteger('seed', options.seed ?? defaultSeed, { min: 0 }),
    reshuffle: checkBoolean('reshuffle', options.reshuffle ?? false),
    worldSize,
    rank: checkInteger('rank', options.rank ?? 0, { min: 0, below: worldSize }),
    dropDuplicates: checkBoolean('dropDuplicates', options.dropDuplicates ?? false),
    manifest: options.manifest === undefined ? undefined : checkFilledText('manifest', options.manifest),
  }
  if (settings.dropDuplicates && settings.manifest === undefined)
    throw new EvolmmError(
      'MANIFEST_INCOMPLETE',
      'dropDuplicates: needs the manifest option, got none; pass a manifest',
    )
  return settings
}

/** The verdicts on the images of a scan, so far as a manifest knows them; the others are made when they are asked for. */
async function openVerdicts(
  scanned: ScannedImages,
  { rules, manifest, dropDuplicates }: CheckedOptions,
  warn: WarningListener,
): Promise<Verdicts> {
  const hashes = new Map<number, string>()
  const known =
    manifest === undefined
      ? undefined
      : await KnownImages.read(manifest, scanned, rules, (index, entry) => {
          if (dropDuplicates && 'sha256' in entry) hashes.set(index, entry.sha256)
        })
  const verdicts = new Verdicts(
    scanned.length,
    async (index) =>
      (await known?.verdict(index)) ?? (await checkImage(join(scanned.root, scanned.at(index)), rules)),
    (index, why) => {
      warnSkipped(warn, scanned.at(index), why)
    },
  )
  if (dropDuplicates && known) await dropDuplicateImages(scanned, known, hashes, verdicts)
  return verdicts
}
