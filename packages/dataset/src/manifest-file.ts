/**
 * The manifest: a JSON-lines file with one header line and one line per image, sorted by path. Paths are relative to
 * the scanned folder, so that a manifest moves with its folder. Written atomically, read as a stream.
 */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { checkObject, checkText, parseObject } from '@evolmm/internal'
import { replaceFile } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import { isCheckReason, type CheckReason } from './check-image'
import { comparePaths } from './compare-paths'
import type { ImageFormat } from './image-formats'
import type { UsabilityRules } from './options'

export interface ManifestHeader extends UsabilityRules {
  /** Image lines that follow; a file with fewer was cut. */
  images: number
}

/** What a file's metadata says of its content: if both are as before, so is the content. */
export interface FileStamp {
  /** The length of the file in bytes. */
  size: number
  /** Last change, in milliseconds since 1970, with fractions. */
  mtime: number
}

interface ImageEntry extends FileStamp {
  path: string
}

export type ManifestEntry =
  | (ImageEntry & {
      /** The digest of the file's bytes, as hexadecimal digits. */
      sha256: string
      width: number
      height: number
      format: ImageFormat
    })
  | (ImageEntry & { skipped: CheckReason; detail: string })

export interface Manifest extends ManifestHeader {
  /** Can be iterated more than once; each time the file is read as a stream. */
  entries: AsyncIterable<ManifestEntry>
}

const kind = 'evolmm-images'
const version = 1
const remedy = 'rebuild it with buildManifest'
/** Characters that a line may have: a path has some thousands at most. */
const longestLine = 2 ** 20

/** Writes beside `file`, syncs and renames: whoever opens `file` sees the old manifest or the whole new one. */
export async function writeManifest(
  file: string,
  header: ManifestHeader,
  entries: Iterable<ManifestEntry> | AsyncIterable<ManifestEntry>,
): Promise<void> {
  checkText('file', file)
  checkObject('header', header)
  await replaceFile(file, async (output) => {
    const { images, maxPixels, acceptWrongExtension } = header
    let lines = `${JSON.stringify({ kind, version, images, maxPixels, acceptWrongExtension })}\n`
    let written = 0
    let previous: string | undefined
    for await (const entry of entries) {
      if (previous !== undefined && comparePaths(previous, entry.path) >= 0)
        throw new EvolmmError('INVALID_OPTION', `entries: paths must ascend, got ${entry.path}; sort them`)
      previous = entry.path
      written++
      lines += `${JSON.stringify(entry)}\n`
      if (lines.length < 1 << 16) continue
      await output.appendFile(lines)
      lines = ''
    }
    if (written !== images)
      throw new EvolmmError(
        'INVALID_OPTION',
        `images: must be the number of entries, ${written}, got ${images}; pass it`,
      )
    await output.appendFile(lines)
  })
}

/** Reads the header; the entries are read when iterated. Throws `MANIFEST_NOT_FOUND`, `_VERSION` or `_DAMAGED`. */
export async function readManifest(file: string): Promise<Manifest> {
  checkText('file', file)
  const lines = readLines(file)
  const header = parseHeader(file, await firstOf(lines))
  await lines.return(undefined)
  return {
    ...header,
    entries: { [Symbol.asyncIterator]: () => readEntries(file) },
  }
}

async function* readEntries(file: string): AsyncGenerator<ManifestEntry> {
  const lines = readLines(file)
  const { images } = parseHeader(file, await firstOf(lines))
  let count = 0
  let previous: string | undefined
  for await (const line of lines) {
    const entry = parseObject(line)
    count++
    if (!isEntry(entry)) throw damaged(file, count + 1, 'is not an image entry')
    if (previous !== undefined && comparePaths(previous, entry.path) >= 0)
      throw damaged(file, count + 1, 'is out of order')
    previous = entry.path
    yield entry
  }
  if (count !== images)
    throw damaged(file, Math.min(count, images) + 2, `is where ${images} images should end, not ${count}`)
}

async function firstOf(lines: AsyncGenerator<string, undefined>): Promise<string> {
  return (await lines.next()).value ?? ''
}

/** True if a file begins as every manifest does, whatever comes after. */
export async function startsLikeManifest(file: string): Promise<boolean> {
  const start = `{"kind":"${kind}"`
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(start.length), 0, start.length, 0)
    return buffer.toString('utf8', 0, bytesRead) === start
  } finally {
    await handle.close()
  }
}

function parseHeader(file: string, line: string): ManifestHeader {
  const header = parseObject(line) as Partial<ManifestHeader & { kind: string; version: number }> | undefined
  if (header?.kind === kind && header.version !== version)
    throw new EvolmmError(
      'MANIFEST_VERSION',
      `manifest ${file}: must be of version ${version}, got ${header.version}; ${remedy}`,
      { details: { option: 'manifest', file, version: header.version } },
    )
  const { images, maxPixels, acceptWrongExtension } = header ?? {}
  if (
    header?.kind !== kind ||
    !Number.isSafeInteger(images) ||
    !Number.isSafeInteger(maxPixels) ||
    typeof acceptWrongExtension !== 'boolean'
  )
    throw damaged(file, 1, 'is not a manifest header')
  return { images, maxPixels, acceptWrongExtension } as ManifestHeader
}

function isEntry(value: unknown): value is ManifestEntry {
  const entry = value as Record<string, unknown> | undefined
  const kinds = (fields: readonly string[], type: string) =>
    fields.every((field) => typeof entry?.[field] === type)
  return (
    kinds(['path'], 'string') &&
    kinds(['size', 'mtime'], 'number') &&
    ((isCheckReason(entry?.skipped) && kinds(['detail'], 'string')) ||
      (kinds(['sha256', 'format'], 'string') && kinds(['width', 'height'], 'number')))
  )
}

function damaged(file: string, line: number, what: string): EvolmmError {
  return new EvolmmError('MANIFEST_DAMAGED', `manifest ${file}: line ${line} ${what}; ${remedy}`, {
    details: { option: 'manifest', file, line },
  })
}

/**
 * Lines that end in a line feed. (Node's own reader also splits at U+2028, which may be part of a path.) Text after
 * the last line feed is what a killed writer left behind, not a line.
 */
async function* readLines(file: string): AsyncGenerator<string, undefined> {
  let rest = ''
  let number = 1
  try {
    for await (const chunk of createReadStream(file, { encoding: 'utf8' }) as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
      number += lines.length
      if (rest.length > longestLine) throw damaged(file, number, 'is too long')
    }
  } catch (error) {
    if (error instanceof EvolmmError) throw error
    throw new EvolmmError('MANIFEST_NOT_FOUND', `manifest ${file}: must be a readable file; ${remedy}`, {
      details: { option: 'manifest', file },
      cause: error,
    })
  }
  return undefined
}
