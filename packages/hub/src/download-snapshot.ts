/**
 * Selected files of a repository into the cache that all Hugging Face libraries share, and the folder they are in.
 *
 * Offline, and for a full commit hash, the cache answers without a request. Otherwise one request lists the files;
 * those not cached are downloaded several at a time, resumed, checked against size and hash, and only then visible.
 * A branch is set to its new commit when all selected files of it are there.
 */
import { checkNames, checkText } from '@evolmm/internal'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { EvolmmError, type HubErrorCode } from './errors'
import { downloadBlob, etagOf, type BlobContent } from './download-blob'
import { selectFiles, unmetPatterns } from './file-selection'
import {
  hasFile,
  linkBlob,
  missingFiles,
  readListing,
  readRef,
  repoCache,
  snapshotFolder,
  writeListing,
  writeRef,
  type RepoCache,
} from './hub-cache'
import { hubError, isTransient, onDisk, type Subject } from './hub-error'
import { hubOptionNames, readHubSettings, type HubOptions, type HubSettings } from './hub-options'
import { isCommit, isSize, listFiles, type RemoteFile } from './list-files'
import { parseRepoId } from './repo-id'
import { repeating, send, watchdog } from './send'

export interface Snapshot {
  /** Absolute; holds the files under their paths in the repository. */
  folder: string
  id: string
  commit: string
}

export async function downloadSnapshot(name: string, options: HubOptions = {}): Promise<Snapshot> {
  checkNames('downloadSnapshot', options, hubOptionNames)
  checkText('name', name)
  const { id, revision } = parseRepoId(name, options.revision)
  const settings = await readHubSettings(options)
  const subject: Subject = { settings, id, revision }
  const cache = repoCache(settings, id)
  const snapshot = (commit: string): Snapshot => ({ folder: snapshotFolder(cache, commit), id, commit })

  const known = isCommit(revision) ? revision : await readRef(cache, revision)
  const missing = known === undefined ? undefined : await missingFiles(cache, known, options)
  const whole = missing?.length === 0 ? known : undefined
  if (whole !== undefined && (settings.offline || isCommit(revision))) return snapshot(whole)
  if (settings.offline) throw notCached(subject, missing)

  const listed = isCommit(revision) ? await readListing(cache, revision) : undefined
  let listing
  try {
    listing = listed ?? (await listFiles(subject, whole === undefined ? undefined : 1))
  } catch (error) {
    if (whole === undefined || !standsIn(error)) throw error
    const message = `${id}: the hub gave no answer (${error.message}); the cached commit ${whole} of ${revision} is used`
    settings.onWarning(message, 'HUB_CACHE_USED')
    return snapshot(whole)
  }
  const { commit } = listing
  const files = selectFiles(listing.files, options)
  const unmet = unmetPatterns(
    files.map(({ path }) => path),
    options,
  )
  if (unmet.length > 0 || files.length === 0)
    throw hubError(
      subject,
      'HUB_FILE_NOT_FOUND',
      `${id}: must hold ${unmet.join(' and ') || 'a selected file'}, got ${namesOf(listing.files)}; choose another repository or revision`,
      { details: { commit, missing: unmet } },
    )
  await onDisk(settings.cacheFolder, async () => {
    await writeListing(cache, listing)
    await downloadAll({ ...subject, revision: commit }, cache, files)
    if (revision !== commit) await writeRef(cache, revision, commit)
  })
  return snapshot(commit)
}

/** Failures after which an older answer is better than none; that a revision is gone is an answer itself. */
function standsIn(error: unknown): error is EvolmmError {
  return isTransient(error) || (error instanceof EvolmmError && refusals.has(error.code))
}

const refusals = new Set<HubErrorCode>([
  'HUB_BAD_ANSWER',
  'HUB_UNAUTHORIZED',
  'HUB_FORBIDDEN',
  'HUB_GATED',
  'HUB_REPO_NOT_FOUND',
])

async function downloadAll(subject: Subject, cache: RepoCache, files: readonly RemoteFile[]): Promise<void> {
  const { settings, revision: commit } = subject
  const stop = new AbortController()
  const signal = settings.signal ? AbortSignal.any([settings.signal, stop.signal]) : stop.signal
  const report = progressOf(settings, files)
  await inParallel(files, settings.concurrency, async (file) => {
    try {
      const target = join(snapshotFolder(cache, commit), file.path)
      if (await hasFile(target, file.size)) {
        report(file.path, file.size ?? 0, file.size ?? 0)
        return
      }
      const blob = await download({ ...subject, file: file.path }, cache, file, signal, report)
      await linkBlob(cache, commit, file.path, blob)
    } catch (error) {
      stop.abort(error) // the others keep what they have for the next call
      throw error
    }
  })
}

async function download(
  subject: Subject,
  cache: RepoCache,
  file: RemoteFile,
  signal: AbortSignal,
  report: Report,
): Promise<string> {
  for (let again = true; ; again = false) {
    const blob = await describe(subject, file, signal)
    try {
      return await downloadBlob(subject, cache, blob, signal, (received) => {
        report(file.path, received, blob.size)
      })
    } catch (error) {
      // Listed contents never change. What a mirror says of one by itself may be outdated once.
      if (!again || file.hash !== undefined || (error as Partial<EvolmmError>).code !== 'HUB_FILE_CHANGED')
        throw error
    }
  }
}

/** Size and name of the content: from the listing, or where a mirror leaves them out from the file's own headers. */
async function describe(
  subject: Subject,
  { path, size, hash }: RemoteFile,
  signal: AbortSignal,
): Promise<BlobContent> {
  const { settings, id, revision } = subject
  const prefix = settings.repoType === 'dataset' ? 'datasets/' : ''
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  const url = `${settings.endpoint}/${prefix}${id}/resolve/${revision}/${encoded}`
  if (size !== undefined && hash !== undefined) return { name: hash, hash, etag: hash, size, url }
  return repeating(subject, signal, async () => {
    const dog = watchdog(settings.timeout, signal)
    try {
      const { hub } = await send(subject, url, { method: 'HEAD', stopAtStorage: true, signal: dog.signal })
      const etag = etagOf(hub)
      const length = hub.get('x-linked-size') ?? (hub.has('location') ? null : hub.get('content-length'))
      const bytes = length === null ? undefined : Number(length)
      if (etag === undefined || !isSize(bytes))
        throw hubError(
          subject,
          'HUB_BAD_ANSWER',
          `${path}: must be described with etag and size, got neither or one; check the endpoint ${settings.endpoint}`,
        )
      const content = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(etag) ? etag : undefined
      const name = /^\w[\w-]*$/.test(etag) ? etag : createHash('sha256').update(etag).digest('hex')
      return { name, hash: content, etag, size: bytes, url }
    } finally {
      dog.stop()
    }
  })
}

type Report = (file: string, received: number, size: number) => void

function progressOf(settings: HubSettings, files: readonly RemoteFile[]): Report {
  const sizes = new Map(files.map(({ path, size = 0 }) => [path, size]))
  let allSize = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  let allReceived = 0
  const counts = new Map<string, number>()
  return (file, received, size) => {
    allReceived += received - (counts.get(file) ?? 0)
    allSize += size - (sizes.get(file) ?? 0)
    counts.set(file, received)
    sizes.set(file, size)
    settings.onProgress({ file, received, size, allReceived, allSize })
  }
}

/** Waits for all that has begun, then throws the first failure. */
async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) {
      if (failures.length > 0) return
      await work(item).catch((error: unknown) => failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
}

function notCached(subject: Subject, missing: string[] | undefined): EvolmmError {
  const { settings, id, revision } = subject
  const got = missing === undefined ? 'nothing' : `a snapshot without ${missing.slice(0, 3).join(', ')}`
  return hubError(
    subject,
    'HUB_NOT_CACHED',
    `${id}: must be in the cache ${settings.cacheFolder} at ${revision} when offline, got ${got}; unset HF_HUB_OFFLINE or download it first`,
    { details: { missing: missing ?? [] } },
  )
}

function namesOf(files: readonly RemoteFile[]): string {
  const names = files.slice(0, 5).map(({ path }) => path)
  return files.length === 0 ? 'no files' : `${names.join(', ')}${files.length > 5 ? ', …' : ''}`
}
