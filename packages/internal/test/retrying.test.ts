import { expect, test, vi } from 'vitest'
import { retryAfter, retrying, type RetryOptions } from '../src/node'

/** Fails that many times, then gives the number of attempts; `pauses` are those in between. */
async function attempts(failures: number, options: Partial<RetryOptions> = {}) {
  const pauses: number[] = []
  let made = 0
  const outcome = await retrying(
    () => (++made > failures ? Promise.resolve(made) : Promise.reject(new Error(`failure ${made}`))),
    {
      ...{ retries: 3, firstPause: 100, pauseAfter: () => 0 },
      sleep: (milliseconds) => Promise.resolve(pauses.push(milliseconds)),
      ...options,
    },
  ).catch((error: unknown) => error)
  return { outcome, pauses }
}

test('pauses double up to the longest, each shortened by at most half', async () => {
  const { outcome, pauses } = await attempts(5, { retries: 5, longestPause: 500 })
  expect(outcome).toBe(6)
  for (const [i, most] of [100, 200, 400, 500, 500].entries()) {
    expect(pauses[i]).toBeGreaterThanOrEqual(most / 2)
    expect(pauses[i]).toBeLessThanOrEqual(most)
  }
})

test('the last failure is thrown when all attempts are made, or when no other one is worth it', async () => {
  expect(await attempts(9)).toMatchObject({ outcome: new Error('failure 4'), pauses: { length: 3 } })
  const pauseAfter = (_: unknown, failures: number) => (failures === 2 ? undefined : 0)
  expect(await attempts(9, { pauseAfter })).toMatchObject({ outcome: new Error('failure 2') })
})

test('a pause that is asked for is kept where it is the longer one', async () => {
  expect((await attempts(1, { pauseAfter: () => 7_000 })).pauses).toEqual([7_000])
  expect((await attempts(1, { pauseAfter: () => 1 })).pauses[0]).toBeGreaterThanOrEqual(50)
})

test('an attempt that got anywhere starts the count anew', async () => {
  const { outcome, pauses } = await attempts(9, { retries: 1, progressed: () => true })
  expect(outcome).toBe(10)
  expect(Math.max(...pauses)).toBeLessThanOrEqual(100)
})

test('an abort ends a pause, and a failure that it causes, with its own reason', async () => {
  const stop = new AbortController()
  const waiting = attempts(9, { signal: stop.signal, firstPause: 100_000, sleep: undefined })
  stop.abort(new Error('enough'))
  expect(await waiting).toMatchObject({ outcome: new Error('enough') })
  const fails = vi.fn(() => Promise.reject(new Error('aborted')))
  await expect(
    retrying(fails, { retries: 1, firstPause: 0, pauseAfter: () => 0, signal: stop.signal }),
  ).rejects.toThrow('enough')
  expect(fails).not.toHaveBeenCalled()
})

test('what a server asks for comes as seconds or as a date', () => {
  const asked = (text: string) => retryAfter(new Headers({ 'retry-after': text }))
  expect(asked('12')).toBe(12_000)
  expect(asked('0.5')).toBe(500)
  expect(asked(new Date(Date.now() + 100_000).toUTCString())).toBeGreaterThan(98_000)
  expect(asked(new Date(0).toUTCString())).toBe(0)
  expect(asked('soon')).toBeUndefined()
  expect(retryAfter(new Headers())).toBeUndefined()
})
