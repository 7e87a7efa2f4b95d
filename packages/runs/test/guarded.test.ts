import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { guarded, type RunInfo, type Tracker } from '../src'
import { entry } from './support/entries'

const info: RunInfo = { name: 'run', folder: '/run', config: {}, totalSteps: 9, startStep: 0, probe: null }
const finished = { step: 9, status: 'finished' } as const

/** Notes what it got; `behave` is asked before each call and may throw or wait. */
function fake(behave: (call: number) => void | Promise<void>) {
  const got: unknown[] = []
  let calls = 0
  const take = async (what: unknown) => {
    await behave(calls++)
    got.push(what)
  }
  const tracker: Required<Omit<Tracker, 'abandon'>> = {
    name: 'fake',
    start: () => take('start'),
    log: ({ step }) => take(step),
    flush: () => take('flush'),
    finish: () => take('finish'),
  }
  return { tracker, got }
}

/** What was told, with its code. */
function warned() {
  const warnings: { code: string; message: string }[] = []
  return { warnings, onWarning: (message: string, code: string) => void warnings.push({ code, message }) }
}

async function run(tracker: Required<Omit<Tracker, 'abandon'>>, steps: number): Promise<void> {
  await tracker.start(info)
  for (let step = 1; step <= steps; step++) await tracker.log(entry(step))
  await tracker.finish(finished)
}

test('all trackers get all calls in order', async () => {
  const [a, b] = [fake(() => undefined), fake(() => undefined)]
  await run(guarded([a.tracker, { name: 'silent' }, b.tracker]), 3)
  expect(a.got).toEqual(['start', 1, 2, 3, 'finish'])
  expect(b.got).toEqual(a.got)
})

sizedTest(
  'a tracker that fails now and then gets everything once and in order; it is reported once',
  { trackers: [50, 100, 5000] },
  async ({ count, seed }) => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat(2)), async (dice) => {
        const { warnings, onWarning } = warned()
        let failures = 0
        const { tracker, got } = fake(() => {
          if (dice.next().value !== 0 || failures >= 20) return
          failures++
          throw new Error('no')
        })
        const safe = guarded([tracker], { onWarning })
        await run(safe, 8)
        // Whatever is still waiting is passed on by later calls.
        for (let i = 0; i < 30; i++) await safe.flush()
        expect(got.filter((each) => each !== 'flush')).toEqual(['start', 1, 2, 3, 4, 5, 6, 7, 8, 'finish'])
        expect(safe.counts()).toMatchObject([{ name: 'fake', failures, missing: 0, lost: 0 }])
        expect(warnings.filter(({ code }) => code === 'TRACKER_FAILED').length).toBe(failures > 0 ? 1 : 0)
      }),
      { seed, numRuns: count },
    )
  },
)

test('a tracker that throws at once, not as a promise, is no different', async () => {
  const { warnings, onWarning } = warned()
  const throwing = () => {
    throw new Error('at once')
  }
  const tracker = { name: 'bad', start: throwing, log: throwing, finish: throwing }
  const other = fake(() => undefined)
  const safe = guarded([tracker, other.tracker], { onWarning })
  await run(safe, 2)
  expect(other.got).toEqual(['start', 1, 2, 'finish'])
  expect(warnings).toEqual([
    { code: 'TRACKER_FAILED', message: 'bad: at once; the run goes on, and it is tried again' },
    { code: 'TRACKER_LOST', message: 'bad: did not get 2 iterations after 4 failures' },
  ])
})

test('a tracker that never answers is waited for once, no longer than the limit, and not called twice', async () => {
  const { warnings, onWarning } = warned()
  const release = new AbortController()
  const stuck = once(release.signal, 'abort').then(() => undefined)
  const { tracker, got } = fake((call) => (call === 2 ? stuck : undefined))
  const safe = guarded([tracker], { timeLimit: 5, onWarning })
  await safe.start(info)
  for (let step = 1; step <= 4; step++) await safe.log(entry(step))
  expect(got).toEqual(['start', 1])
  expect(safe.counts()).toEqual([{ name: 'fake', failures: 1, missing: 3, lost: 0, waiting: 3 }])
  expect(warnings.map(({ code }) => code)).toEqual(['TRACKER_SLOW'])
  release.abort()
  await delay(0)
  expect(got).toEqual(['start', 1, 2, 3, 4])
  expect(safe.counts()).toMatchObject([{ missing: 0 }])
})

test('only so many iterations are kept; what is lost is counted and said', async () => {
  const { warnings, onWarning } = warned()
  let broken = true
  const { tracker, got } = fake((call) => {
    if (call > 0 && broken) throw new Error('no')
  })
  const safe = guarded([tracker], { keep: 3, onWarning })
  await safe.start(info)
  for (let step = 1; step <= 9; step++) await safe.log(entry(step))
  broken = false
  await safe.finish(finished)
  expect(got).toEqual(['start', 1, 8, 9, 'finish'])
  expect(safe.counts()).toEqual([{ name: 'fake', failures: 9, missing: 6, lost: 6, waiting: 0 }])
  expect(warnings.at(-1)?.message).toBe('fake: did not get 6 iterations after 9 failures')
})

test('a listener that throws changes nothing', async () => {
  const { tracker } = fake(() => {
    throw new Error('no')
  })
  const onWarning = () => {
    throw new Error('nor this')
  }
  await run(guarded([tracker], { onWarning }), 2)
})
