/** Checks and hashes every image of a folder once, and writes the manifest that later runs start from. */
import { checkNames } from '@evolmm/internal'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { emitWarning, type WarningListener } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import { checkImage, type CheckReason } from './check-image'
import { isCurrent, ManifestCursor, stampOf } from './manifest-cursor'
import { readManifest, startsLikeManifest, writeManifest, type ManifestEntry } from './manifest-file'
import { checkRules, checkFilledText, type UsabilityRules } from './options'
import { scanImages, scanOptions, type ScanOptions } from './scan-images'
import { warnSkipped } from './skipped-image'

export interface BuildManifestOptions extends ScanOptions, Partial<UsabilityRules> {
  /** The manifest to write. If there is one already, images whose size and time are as in it are not checked again. */
  file: string
  /** Called after each image, in the order of paths. */
  onProgress?: ((progress: { done: number; images: number }) => void) | undefined
}

export interface ManifestSummary {
  images: number
  usable: number
  /** Images taken over from the manifest that was there before. */
  reused: number
  /** Skipped images by reason. */
  byReason: Partial<Record<CheckReason, number>>
}

/** Images being checked ahead of the one that is written next. */
const imagesAhead = 8

export async function buildManifest(options: BuildManifestOptions): Promise<ManifestSummary> {
  checkNames('buildManifest', options, {
    root: true,
    includeSubfolders: true,
    onWarning: true,
    maxPixels: true,
    acceptWrongExtension: true,
    file: true,
    onProgress: true,
  })
  const file = checkFilledText('file', options.file)
  const rules = checkRules(options)
  const warn = options.onWarning ?? emitWarning
  await refuseOtherFiles(file)
  const scanned = await scanImages(scanOptions(options))
  const summary: ManifestSummary = { images: scanned.length, usable: 0, reused: 0, byReason: {} }
  const earlier = await earlierEntries(file, rules, warn)

  const examine = async (path: string, known: ManifestEntry | undefined) => {
    const full = join(scanned.root, path)
    const reused = known !== undefined && isCurrent(known, await stampOf(full))
    return { entry: reused ? known : await newEntry(full, path, rules), reused }
  }
  async function* entries(): AsyncGenerator<ManifestEntry> {
    const ahead: ReturnType<typeof examine>[] = []
    let started = 0
    for (let done = 1; done <= scanned.length; done++) {
      for (; started < Math.min(scanned.length, done + imagesAhead); started++) {
        const path = scanned.at(started)
        ahead.push(examine(path, await earlier(path)))
      }
      const next = await ahead.shift()
      if (next === undefined) return
      count(summary, next, warn)
      yield next.entry
      options.onProgress?.({ done, images: scanned.length })
    }
  }
  await writeManifest(file, { images: scanned.length, ...rules }, entries())
  return summary
}

function count(
  summary: ManifestSummary,
  { entry, reused }: { entry: ManifestEntry; reused: boolean },
  warn: WarningListener,
): void {
  if (reused) summary.reused++
  if (!('skipped' in entry)) {
    summary.usable++
    return
  }
  summary.byReason[entry.skipped] = (summary.byReason[entry.skipped] ?? 0) + 1
  warnSkipped(warn, entry.path, { reason: entry.skipped, detail: entry.detail })
}

/** A manifest alone, sound or damaged further on, is ever replaced; and the place must be writable as a file. */
async function refuseOtherFiles(file: string): Promise<void> {
  const refuse = (got: string, fix: string) =>
    new EvolmmError(
      'NOT_A_MANIFEST',
      `file: must be a manifest or a new file in a folder that exists, got ${got}; ${fix}`,
      {
        details: { file },
      },
    )
  const folder = await stat(dirname(file)).catch(() => undefined)
  if (folder?.isDirectory() !== true) throw refuse(`${file}, whose folder does not exist`, 'make the folder')
  const found = await stat(file).catch(() => undefined)
  if (found === undefined || (found.isFile() && found.size === 0)) return
  if (!found.isFile()) throw refuse(`${file}, which is not a file`, 'pass another path')
  if (!(await startsLikeManifest(file)))
    throw refuse(`${file}, which holds something else`, 'delete it or pass another path')
}

/**
 * Looks up entries of the manifest that is to be replaced. Since each is compared with its file before it is used, the
 * sound lines of a damaged manifest are as good as any: damage is a warning here, and what follows it is checked anew.
 */
async function earlierEntries(
  file: string,
  rules: UsabilityRules,
  warn: WarningListener,
): Promise<(path: string) => Promise<ManifestEntry | undefined>> {
  const nothing = () => Promise.resolve(undefined)
  const giveUp = (error: unknown) => {
    if (!(error instanceof EvolmmError)) throw error
    if (error.code !== 'MANIFEST_NOT_FOUND')
      warn(`${error.message.split(';', 1).join()}; images from there on are checked anew`, 'MANIFEST_DAMAGED')
  }
  try {
    const manifest = await readManifest(file)
    if (
      manifest.maxPixels !== rules.maxPixels ||
      manifest.acceptWrongExtension !== rules.acceptWrongExtension
    )
      return nothing
    const cursor = new ManifestCursor(manifest.entries)
    return async (path) => {
      try {
        return await cursor.find(path)
      } catch (error) {
        giveUp(error)
        return undefined
      }
    }
  } catch (error) {
    giveUp(error)
    return nothing
  }
}

/** The stamp is taken first: a file that changes while it is read differs from its entry later on. */
async function newEntry(full: string, path: string, rules: UsabilityRules): Promise<ManifestEntry> {
  const stamp = await stampOf(full)
  const result = await checkImage(full, rules)
  if (!result.usable) return { path, ...stamp, skipped: result.reason, detail: result.detail }
  const { width, height, format } = result
  return { path, ...stamp, sha256: await hashOf(full), width, height, format }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
