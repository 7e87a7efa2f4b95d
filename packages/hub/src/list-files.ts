/** The files of a repository at a revision, as the hub lists them. What the answer names is checked before it is used. */
import { hubError, type Subject } from './hub-error'
import { formatBytes, parseObject } from '@evolmm/internal'
import { boundedText, isSafePath } from '@evolmm/internal/node'
import { onNetwork, repeating, send, watchdog } from './send'

export interface RemoteFile {
  /** The path in the repository, separated by "/". */
  path: string
  /** Bytes. Mirrors may not tell; then a request for the file does. */
  size?: number
  /**
   * The digest of the content: git's SHA-1, or for large files SHA-256, as hexadecimal digits. It names the blob in
   * the cache.
   */
  hash?: string
  /** Git's SHA-1 of the file or of its pointer. */
  blobId?: string
}

export interface Listing {
  commit: string
  files: RemoteFile[]
}

/** Bytes of a listing: a file takes some hundred, and repositories have a hundred thousand files at most. */
const longestListing = 2 ** 26

const hex40 = /^[0-9a-f]{40}$/
const hex64 = /^[0-9a-f]{64}$/

/** A full commit hash: what it names never changes. */
export function isCommit(revision: string): boolean {
  return hex40.test(revision)
}

export async function listFiles(subject: Subject, most?: number): Promise<Listing> {
  const { settings, id, revision } = subject
  const url = `${settings.endpoint}/api/${settings.repoType}s/${id}/revision/${encodeURIComponent(revision)}?blobs=true`
  const text = await repeating(
    subject,
    settings.signal,
    async () => {
      const dog = watchdog(settings.timeout, settings.signal)
      try {
        const { response } = await send(subject, url, { signal: dog.signal })
        dog.touch()
        return await onNetwork(subject, url, dog.signal, () => boundedText(response, longestListing))
      } finally {
        dog.stop()
      }
    },
    { isFirst: true, ...(most !== undefined && { most }) },
  )
  if (text === undefined)
    throw hubError(
      subject,
      'HUB_BAD_ANSWER',
      `${subject.id}: must be listed in ${formatBytes(longestListing)} at most, got more; check the endpoint ${settings.endpoint}`,
    )
  return checkListing(subject, text)
}

interface Sibling {
  rfilename?: unknown
  size?: unknown
  blobId?: unknown
  lfs?: { sha256?: unknown; size?: unknown } | null
}

function checkListing(subject: Subject, text: string): Listing {
  const answer = parseObject(text)
  const commit = answer?.sha
  const requested = isCommit(subject.revision) ? subject.revision : commit
  if (
    typeof commit !== 'string' ||
    !isCommit(commit) ||
    commit !== requested ||
    !Array.isArray(answer?.siblings)
  )
    throw hubError(
      subject,
      'HUB_BAD_ANSWER',
      `${subject.id}: must be listed with sha and siblings, got ${JSON.stringify(text.slice(0, 60))}; check the endpoint ${subject.settings.endpoint}`,
    )
  return { commit, files: (answer.siblings as (Sibling | null)[]).map((file) => checkFile(subject, file)) }
}

function checkFile(subject: Subject, sibling: Sibling | null): RemoteFile {
  const { rfilename: path, size, blobId, lfs } = sibling ?? {}
  if (typeof path !== 'string' || !isSafePath(path))
    throw hubError(
      subject,
      'HUB_UNSAFE_PATH',
      `${subject.id}: files must stay inside the snapshot folder, got ${JSON.stringify(path)}; do not use this repository`,
    )
  const hash = matching(lfs ? lfs.sha256 : blobId, lfs ? hex64 : hex40)
  const bytes = lfs?.size ?? size
  const gitId = matching(blobId, hex40)
  return {
    path,
    ...(hash !== undefined && { hash }),
    ...(isSize(bytes) && { size: bytes }),
    ...(gitId !== undefined && { blobId: gitId }),
  }
}

export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function matching(value: unknown, pattern: RegExp): string | undefined {
  return typeof value === 'string' && pattern.test(value) ? value : undefined
}
