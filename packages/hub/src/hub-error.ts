/** What can go wrong between the hub, the network and the disk, as one line each. */
import { inspect } from 'node:util'
import { retryAfter } from '@evolmm/internal/node'
import { EvolmmError, type HubErrorCode } from './errors'
import type { HubSettings } from './hub-options'

/** What a request asks for, for the messages. */
export interface Subject {
  settings: HubSettings
  id: string
  revision: string
  /** A path in the repository; none for a request about the repository itself. */
  file?: string
}

interface HubResponse {
  status: number
  headers: Headers
  url: string
}

const transient = new Set<HubErrorCode>(['HUB_UNREACHABLE', 'HUB_RATE_LIMITED', 'HUB_SERVER_ERROR'])

/** Worth another attempt, or the cache instead. */
export function isTransient(error: unknown): error is EvolmmError {
  return error instanceof EvolmmError && transient.has(error.code)
}

/**
 * This error is for an answer with a status that is no success. `fromStorage`: the answer is that of the host that
 * the hub redirected to.
 */
export function statusError(subject: Subject, answer: HubResponse, fromStorage: boolean): EvolmmError {
  const { settings, id, revision, file } = subject
  const { status, headers } = answer
  const what = file === undefined ? id : `${id}: ${file}`
  const page = `${settings.endpoint}/${settings.repoType === 'dataset' ? 'datasets/' : ''}${id}`
  const token = settings.token === undefined ? 'no token' : 'a token that is not enough'
  const howToken = 'set HF_TOKEN, pass the token option or run `hf auth login`'
  const reason = headers.get('x-error-code')
  const fail = (code: HubErrorCode, text: string) => hubError(subject, code, `${what}: ${text}`, { answer })

  if (status === 429) {
    const wait = retryAfter(headers)
    const when = wait === undefined ? 'later' : `in ${Math.ceil(wait / 1000)} s`
    return fail(
      'HUB_RATE_LIMITED',
      `must be asked for less often, got 429; try again ${when}, or pass a token`,
    )
  }
  if (fromStorage || status >= 500)
    return fail(
      'HUB_SERVER_ERROR',
      `must be served, got ${status} from ${hostOf(answer.url)}; try again later`,
    )
  if (reason === 'GatedRepo')
    return fail('HUB_GATED', `must be unlocked, got ${token}; accept its terms at ${page}, then ${howToken}`)
  if (reason === 'RevisionNotFound')
    return fail(
      'HUB_REVISION_NOT_FOUND',
      `must have the revision ${revision}, got ${status}; see ${page}/tree/main`,
    )
  if (reason === 'EntryNotFound' || (status === 404 && reason === null && file !== undefined))
    return fail(
      'HUB_FILE_NOT_FOUND',
      `must exist at ${revision}, got ${status}; see ${page}/tree/${revision}`,
    )
  if (reason === 'RepoNotFound' || status === 404)
    return fail(
      'HUB_REPO_NOT_FOUND',
      `must be a ${settings.repoType} at ${settings.endpoint}, got ${status} with ${token}; check the name, or ${howToken} if it is private`,
    )
  if (status === 401) return fail('HUB_UNAUTHORIZED', `needs a valid token, got ${token}; ${howToken}`)
  if (status === 403)
    return fail(
      'HUB_FORBIDDEN',
      `must be open to you, got 403 with ${token}; give the token read access, or ask at ${page}`,
    )
  return fail('HUB_REQUEST_FAILED', `must be served, got ${status}; check the endpoint ${settings.endpoint}`)
}

/** A typed error with the details that a report needs, and without the token or a signed address. */
export function hubError(
  { settings, id, revision, file }: Subject,
  code: HubErrorCode,
  message: string,
  {
    answer,
    cause,
    details,
  }: { answer?: HubResponse; cause?: unknown; details?: Record<string, unknown> } = {},
): EvolmmError {
  const clean = (text: string) =>
    (settings.token === undefined ? text : text.replaceAll(settings.token, '***')).replace(/\s+/g, ' ')
  const headers = answer?.headers
  const requestId =
    headers?.get('x-request-id') ?? headers?.get('x-amzn-trace-id') ?? headers?.get('x-amz-cf-id')
  const serverMessage = headers?.get('x-error-message')
  const retryIn = headers && retryAfter(headers)
  const leaks = settings.token !== undefined && inspect(cause).includes(settings.token)
  return new EvolmmError(code, clean(message), {
    details: {
      id,
      revision,
      ...(file !== undefined && { file }),
      ...(answer && { status: answer.status, url: withoutQuery(answer.url) }),
      ...(requestId && { requestId: clean(requestId) }),
      ...(serverMessage && { serverMessage: clean(serverMessage) }),
      ...(retryIn !== undefined && { retryAfter: retryIn }),
      ...details,
    },
    ...(cause !== undefined && !leaks && { cause }),
  })
}

/** Runs work on the cache folder; what the disk refuses becomes a typed error. */
export async function onDisk<T>(cacheFolder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (error instanceof EvolmmError || !/^E[A-Z]+$/.test(code)) throw error
    const details = { folder: cacheFolder, errno: code }
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new EvolmmError(
        'HUB_DISK_FULL',
        `cache ${cacheFolder}: must have room for the download, got ${code}; free space, or set HF_HUB_CACHE to another disk and call again to resume`,
        { details, cause: error },
      )
    if (isReadOnly(error))
      throw new EvolmmError(
        'HUB_CACHE_READ_ONLY',
        `cache ${cacheFolder}: must be a folder that can be written to, got ${code}; change its permissions or set HF_HUB_CACHE`,
        { details, cause: error },
      )
    throw new EvolmmError(
      'HUB_CACHE_FAILED',
      `cache ${cacheFolder}: must be readable and writable, got ${code}; check the disk`,
      { details, cause: error },
    )
  }
}

export function isReadOnly(error: unknown): boolean {
  return ['EROFS', 'EACCES', 'EPERM', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function hostOf(url: string): string {
  return new URL(url).host
}

/** The query of a storage address is a signature that opens the file. */
export function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
