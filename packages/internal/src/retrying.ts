/** Another attempt at what fails for the moment, after a pause that grows. */
import { setTimeout as delay } from 'node:timers/promises'

/** Waits that many milliseconds, or until an abort. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<unknown>

export interface RetryOptions {
  /** Failures in a row that are followed by another attempt. */
  retries: number
  /** Milliseconds of the pause after the first failure; it doubles with each further one. */
  firstPause: number
  /** @default Infinity */
  longestPause?: number | undefined
  /**
   * Tells the least pause in milliseconds that the failure asks for, 0 where it asks for none; undefined where no further
   * attempt is worth it.
   */
  pauseAfter: (error: unknown, failures: number) => number | undefined
  /** True if the attempt that failed got anywhere: its failure then counts as the first. @default never */
  progressed?: (() => boolean) | undefined
  /** Ends attempts and pauses with its reason. */
  signal?: AbortSignal | undefined
  /** @default a timer */
  sleep?: Sleep | undefined
}

/** The result of the first attempt that succeeds; otherwise the last failure is thrown. */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { retries, firstPause, longestPause = Infinity, pauseAfter, progressed, signal, sleep } = options
  for (let failures = 0; ;) {
    signal?.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      signal?.throwIfAborted()
      failures = progressed?.() === true ? 1 : failures + 1
      const wanted = pauseAfter(error, failures)
      if (wanted === undefined || failures > retries) throw error
      // Half of the pause is random, so that processes that failed together do not come back together.
      const grown = Math.min(firstPause * 2 ** (failures - 1), longestPause) * (0.5 + Math.random() / 2)
      await pause(Math.max(wanted, grown), signal, sleep)
    }
  }
}

/** Milliseconds that a server wants to be left alone, which it says as seconds or as a date. */
export function retryAfter(headers: Headers): number | undefined {
  const text = headers.get('retry-after')
  if (text === null) return undefined
  const milliseconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds)
}

/** Waits; an abort ends it with the signal's own reason. */
export async function pause(
  milliseconds: number,
  signal?: AbortSignal,
  sleep: Sleep = (time, stop) => delay(time, undefined, { signal: stop }),
): Promise<void> {
  await sleep(milliseconds, signal).catch((error: unknown) => {
    signal?.throwIfAborted()
    throw error
  })
}
