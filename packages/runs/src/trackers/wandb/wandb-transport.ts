/**
 * Requests to a Weights & Biases server: one is made again after network errors, timeouts, 408, 429 and 5xx, with growing
 * pauses; other answers throw `WANDB_REFUSED`. The key goes to the server's own origin only, and into no message.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { boundedText, retryAfter, retrying } from '@evolmm/internal/node'
import { EvolmmError } from '../../errors'
import type { WandbConnection } from './wandb-options'

export interface WandbTransportOptions {
  /** Ends all waiting; requests then throw its reason. */
  signal: AbortSignal
  /** The process may end while a pause lasts. @default false */
  background?: boolean
  /** Failures in a row after which a request throws `WANDB_UNREACHABLE`. @default Infinity */
  retries?: number
}

export interface WandbTransport {
  /** The address of a path on the server. */
  address: (path: string) => URL
  /** The body of a good answer. */
  send: (url: URL, init: WandbRequest) => Promise<string>
  /** A text from outside without the key, which a server, or whatever is between, may repeat. */
  redact: (text: string) => string
}

interface WandbRequest {
  method: 'POST' | 'PUT'
  headers: Record<string, string>
  body: string | Uint8Array<ArrayBuffer>
}

/** A failure that is worth another try. */
class Problem extends Error {
  constructor(
    message: string,
    /** Milliseconds that the server asked for. */
    readonly pause: number,
  ) {
    super(message)
  }
}

const longestPause = 60_000
const failuresUntilWarning = 4

export function wandbTransport(
  connection: WandbConnection,
  { signal, retries = Infinity, background = false }: WandbTransportOptions,
): WandbTransport {
  const { baseUrl, apiKey, onWarning, retryDelay } = connection
  const encoded = Buffer.from(`api:${apiKey}`).toString('base64')
  const redact = (text: string) => text.replaceAll(encoded, '***').replaceAll(apiKey, '***')
  let warned = false
  /** What follows a failure, after the warning that belongs to it. */
  const pauseAfter = (host: string) => (error: unknown, failures: number) => {
    if (!(error instanceof Problem)) return undefined
    if (failures >= retries)
      throw new EvolmmError(
        'WANDB_UNREACHABLE',
        `W&B: ${host} must answer, got ${error.message} ${failures} times; upload later with evolmm sync`,
      )
    if (failures >= failuresUntilWarning && !warned) {
      warned = true
      onWarning(
        `W&B: ${host} does not answer (${error.message}); nothing is lost, and it is tried again`,
        'WANDB_UNREACHABLE',
      )
    }
    return Math.min(longestPause, error.pause)
  }
  return {
    address: (path) => new URL(path, baseUrl.href.replace(/\/*$/, '/')),
    redact,
    send: (url, init) => {
      const own = url.origin === baseUrl.origin
      const headers = { ...init.headers, ...(own && { authorization: `Basic ${encoded}` }) }
      const request = { ...init, headers }
      return retrying(() => attempt(url, request, { connection, signal, redact }), {
        retries,
        firstPause: retryDelay,
        longestPause,
        pauseAfter: pauseAfter(url.host),
        signal,
        sleep: (milliseconds, stop) => delay(milliseconds, undefined, { signal: stop, ref: !background }),
      })
    },
  }
}

async function attempt(
  url: URL,
  init: RequestInit,
  {
    connection,
    signal,
    redact,
  }: { connection: WandbConnection; signal: AbortSignal; redact: (text: string) => string },
): Promise<string> {
  let response: Response
  let text: string
  try {
    const timeout = AbortSignal.timeout(connection.requestTimeout)
    response = await connection.fetch(url, { ...init, signal: AbortSignal.any([signal, timeout]) })
    text = (await boundedText(response, 2 ** 24)) ?? ''
  } catch (error) {
    throw new Problem(redact(reasonOf(error)), 0)
  }
  const { status, headers } = response
  if (response.ok) return text
  if (status === 408 || status === 429 || status >= 500)
    throw new Problem(`status ${status}`, retryAfter(headers) ?? 0)
  throw refused(`${url.host}${url.pathname} answered ${status}: ${redact(text).slice(0, 200)}`)
}

export function refused(what: string): EvolmmError {
  return new EvolmmError('WANDB_REFUSED', `W&B: the server must accept the run, ${what}`)
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message
}
