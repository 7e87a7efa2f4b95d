/**
 * One request to the hub, redirects followed by hand: the token goes to the endpoint's origin and to no other, and the
 * hub's own headers about a file are kept when its bytes come from a storage host.
 */
import { retrying } from '@evolmm/internal/node'
import type { EvolmmError } from './errors'
import { hubError, isTransient, statusError, withoutQuery, type Subject } from './hub-error'

interface HubAnswer {
  /** The last response: 2xx, 416, or with `stopAtStorage` the redirect to storage. Its body must be read or cancelled. */
  response: Response
  /** The headers of the hub's own last answer: x-linked-etag, x-linked-size, etag. */
  hub: Headers
  /** The bytes come from another host than the hub. */
  fromStorage: boolean
}

interface SendOptions {
  method?: 'GET' | 'HEAD'
  headers?: Record<string, string>
  signal: AbortSignal
  /** Return the redirect that leaves the hub instead of following it. */
  stopAtStorage?: boolean
}

const maxRedirects = 10
/** A server's wish to be asked later than this, in milliseconds, is an error rather than a wait. */
const longestWait = 300_000

export async function send(subject: Subject, address: string, options: SendOptions): Promise<HubAnswer> {
  const { settings } = subject
  const origin = new URL(settings.endpoint).origin
  let url = address
  let hub: Headers | undefined
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const fromStorage = new URL(url).origin !== origin
    const response = await onNetwork(subject, url, options.signal, () =>
      settings.fetch(url, {
        method: options.method ?? 'GET',
        redirect: 'manual',
        signal: options.signal,
        headers: {
          'user-agent': 'evolmm',
          'accept-encoding': 'identity',
          ...options.headers,
          ...(!fromStorage && settings.token !== undefined && { authorization: `Bearer ${settings.token}` }),
        },
      }),
    )
    if (!fromStorage || hub === undefined) hub = response.headers
    const location = response.headers.get('location')
    if (response.status >= 300 && response.status < 400 && location !== null) {
      const next = URL.canParse(location, url) ? new URL(location, url) : undefined
      if (next?.protocol !== 'http:' && next?.protocol !== 'https:') break
      if (options.stopAtStorage && next.origin !== origin) return { response, hub, fromStorage: true }
      await discard(response)
      url = next.href
      continue
    }
    if (response.ok || response.status === 416) return { response, hub, fromStorage }
    await discard(response)
    throw statusError(subject, { status: response.status, headers: response.headers, url }, fromStorage)
  }
  throw hubError(
    subject,
    'HUB_REQUEST_FAILED',
    `${subject.id}: must be served, got bad or endless redirects; check the endpoint ${settings.endpoint}`,
  )
}

/** One step of a transfer. Its failure becomes `HUB_UNREACHABLE`; `repeating` turns that of an abort into its reason. */
export async function onNetwork<T>(
  subject: Subject,
  url: string,
  signal: AbortSignal,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step()
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error
    const { message, cause } = reason instanceof Error ? reason : new Error(String(reason))
    const why = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : message
    throw hubError(
      subject,
      'HUB_UNREACHABLE',
      `${subject.file ?? subject.id}: must be reachable at ${new URL(url).host}, got ${why}; check the network, a proxy or HF_ENDPOINT`,
      { cause: reason, details: { url: withoutQuery(url) } },
    )
  }
}

interface RepeatingOptions {
  most?: number
  progressed?: () => boolean
  isFirst?: boolean
}

/** Failures of the system that say that there is no network, or nobody at the address. */
const nobodyThere = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'ECONNREFUSED'])

/** True where nobody could be asked, as of a name on a machine without a network. */
function isAlone({ cause }: EvolmmError): boolean {
  const reason = cause instanceof Error ? cause.cause : undefined
  return reason instanceof Error && nobodyThere.has(String((reason as NodeJS.ErrnoException).code))
}

/**
 * Repeats what fails for the moment. `progressed` starts the count of failures anew. What `isFirst` is asked of nobody
 * yet: where there is no network it is tried once more and given up, since the name may be that of a folder.
 */
export function repeating<T>(
  { settings: { retries, sleep } }: Subject,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
  { most = retries, progressed, isFirst = false }: RepeatingOptions = {},
): Promise<T> {
  const pauseAfter = (error: unknown, failures: number) => {
    if (!isTransient(error) || (isFirst && failures > 1 && isAlone(error))) return undefined
    const wait = (error.details.retryAfter as number | undefined) ?? 0
    return wait > longestWait ? undefined : wait
  }
  const pauses = { retries: most, firstPause: 500, longestPause: 10_000, pauseAfter, sleep }
  return retrying(attempt, { ...pauses, progressed, signal })
}

/** A signal that also fires when `touch` was not called for `timeout` milliseconds. */
export function watchdog(timeout: number, signal: AbortSignal | undefined) {
  const stalled = new AbortController()
  const timer = setTimeout(() => {
    stalled.abort(new Error(`no byte for ${timeout} ms`))
  }, timeout)
  return {
    signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal,
    touch: () => {
      timer.refresh()
    },
    stop: () => {
      clearTimeout(timer)
    },
  }
}

async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined)
}
