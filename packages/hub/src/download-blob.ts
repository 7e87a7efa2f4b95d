/**
 * One content into `blobs/`: resumed, checked, then made visible by a rename.
 *
 * The partial file is named after the content's hash, so parts of different contents never meet, and bytes are written
 * at their own offsets, so two writers of one content write the same bytes. What counts is the hash of what is on disk.
 * The rename is our own and not that of `internal`: names, parts and links of the cache are shared with huggingface_hub.
 */
import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { lockFile, makeFolder } from '@evolmm/internal/node'
import type { EvolmmError } from './errors'
import { hasFile, type RepoCache } from './hub-cache'
import { hubError, type Subject } from './hub-error'
import { onNetwork, repeating, send, watchdog } from './send'

export interface BlobContent {
  /** Names the file in `blobs/`. */
  name: string
  /** SHA-1 of git (40 digits) or SHA-256 (64) of the content; none where the server gives no such hash. */
  hash: string | undefined
  /** What the hub says with the content, by which a change of it is seen. */
  etag: string
  /** The length that the hub says, in bytes. */
  size: number
  /** The address on the hub, which may redirect. */
  url: string
}

/** A part may be taken away so often by others that do not see the lock. */
const takers = 8

/** Puts the content in place, if it is not there, and returns its path. `onBytes` is told how many of them are there. */
export async function downloadBlob(
  subject: Subject,
  cache: RepoCache,
  content: BlobContent,
  signal: AbortSignal,
  onBytes: (received: number) => void,
): Promise<string> {
  const path = join(cache.folder, 'blobs', content.name)
  const lock = join(cache.locks, `${content.name}.evolmm.lock`)
  if (!(await hasFile(path, content.size))) {
    // A courtesy: should the lock not hold, the download costs twice the traffic and is still right.
    await makeFolder(cache.locks)
    const unlock = await lockFile(lock, { signal, sleep: subject.settings.sleep })
    try {
      // Once, if the lock holds. If not, another one may be faster, and take the part away.
      for (let left = takers; !(await hasFile(path, content.size)); left--)
        await fill(subject, path, content, signal, onBytes).catch((error: unknown) => {
          if (left <= 0 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        })
    } finally {
      await unlock()
    }
  }
  onBytes(content.size)
  return path
}

async function fill(
  subject: Subject,
  path: string,
  content: BlobContent,
  signal: AbortSignal,
  onBytes: (received: number) => void,
): Promise<void> {
  // Not the plain `.incomplete` of older huggingface_hub, which appends to it without looking.
  const part: PartFile = { path: `${path}.evolmm.incomplete` }
  await makeFolder(dirname(path))
  for (let again = true; ; again = false) {
    let received = -1
    let before = -1
    const count = (bytes: number) => {
      received = bytes
      onBytes(bytes)
    }
    const attempt = async () => {
      before = received
      await receive(subject, part, content, signal, count)
    }
    await repeating(subject, signal, attempt, { progressed: () => received > before })
    const actual = await digest(part.path, content)
    if (actual === content.hash) break
    if (await hasFile(path, content.size)) return
    await rm(part.path, { force: true })
    // The part found on disk may have been the bad one.
    if (!again) throw damaged(subject, `the hash ${content.hash}`, String(actual))
  }
  if (!(await hasFile(path, content.size))) await rename(part.path, path)
}

interface PartFile {
  path: string
  /** The etag that came with the bytes of this process, by which the server can tell whether they are still good. */
  validator?: string
}

/** Takes what one connection gives, from where the part ends. */
async function receive(
  subject: Subject,
  part: PartFile,
  content: BlobContent,
  signal: AbortSignal,
  onBytes: (received: number) => void,
): Promise<void> {
  const file = await open(part.path, constants.O_WRONLY | constants.O_CREAT)
  const dog = watchdog(subject.settings.timeout, signal)
  try {
    // What the path named a moment ago may be another file than this one.
    const { size: found } = await file.stat()
    if (found > content.size) await file.truncate()
    const start = found > content.size ? 0 : found
    onBytes(start)
    if (start < content.size) {
      const headers: Record<string, string> = {}
      if (start > 0) headers.range = `bytes=${start}-`
      if (start > 0 && part.validator !== undefined) headers['if-range'] = part.validator
      const { response, hub } = await send(subject, content.url, { headers, signal: dog.signal })
      const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader()
      try {
        checkUnchanged(subject, content, hub)
        let position = await startOf(subject, content, response, start, part)
        const tag = response.headers.get('etag')
        if (tag?.startsWith('"')) part.validator = tag
        while (position < content.size) {
          const bytes = await onNetwork(subject, content.url, dog.signal, async () => {
            const next = await reader?.read()
            if (next?.value) return next.value
            throw new Error(`the end after ${position} of ${content.size} bytes`)
          })
          dog.touch()
          if (position + bytes.length > content.size) throw damaged(subject, `${content.size} bytes`, 'more')
          await writeAll(file, bytes, position)
          position += bytes.length
          onBytes(position)
          dog.touch()
        }
      } finally {
        await reader?.cancel().catch(() => undefined)
      }
    }
    await file.sync()
  } finally {
    dog.stop()
    await file.close()
  }
}

/** The offset of the answer's first byte: that of the part's end, or 0 from a server that does not continue it. */
async function startOf(
  subject: Subject,
  { size }: BlobContent,
  { status, headers }: Response,
  start: number,
  part: PartFile,
): Promise<number> {
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '')
    if (range && range[2] !== '*' && Number(range[2]) !== size)
      throw damaged(subject, `${size} bytes`, range[2])
    if (range && Number(range[1]) === start) return start
  } else if (status !== 416) {
    const length = headers.get('content-length')
    if (length !== null && Number(length) !== size) throw damaged(subject, `${size} bytes`, length)
    return 0
  }
  await rm(part.path, { force: true })
  throw hubError(
    subject,
    'HUB_SERVER_ERROR',
    `${subject.file}: must be served from byte ${start} on, got ${status} without it; try again later`,
    { details: { status } },
  )
}

/** The hub states with each file which content it is; the answer may not be of another than was listed. */
function checkUnchanged(subject: Subject, { etag, hash }: BlobContent, hub: Headers): void {
  const stated = etagOf(hub)
  if (stated === undefined || stated === etag || (hash !== undefined && !isHashLike(stated, hash))) return
  throw hubError(
    subject,
    'HUB_FILE_CHANGED',
    `${subject.file}: must be the content ${etag} as listed, got ${stated}; call again`,
  )
}

function isHashLike(text: string, hash: string): boolean {
  return text.length === hash.length && /^[0-9a-f]+$/.test(text)
}

/** The content's name as the hub states it: the etag without quotes, and for a redirect that of its target. */
export function etagOf(hub: Headers): string | undefined {
  const tag = hub.get('x-linked-etag') ?? (hub.has('location') ? null : hub.get('etag'))
  const text = tag?.replace(/^W\//, '').replaceAll('"', '')
  return text === '' ? undefined : text
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/** The digest is that of the file as it lies on disk. */
async function digest(path: string, { hash, size }: BlobContent): Promise<string | undefined> {
  if (hash === undefined) return undefined
  const sum = createHash(hash.length === 40 ? 'sha1' : 'sha256')
  if (hash.length === 40) sum.update(`blob ${size}\0`)
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), sum)
  return sum.digest('hex')
}

function damaged(subject: Subject, expected: string, got: string): EvolmmError {
  return hubError(
    subject,
    'HUB_FILE_DAMAGED',
    `${subject.file}: must have ${expected} as listed, got ${got}; try again, or another endpoint`,
  )
}
