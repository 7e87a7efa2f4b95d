/**
 * Several trackers as one that cannot fail and cannot hold up a run for longer than its time limit.
 *
 * Each tracker has a line of calls that it gets one after the other, in order. A call that fails stays at the head of
 * its line and is made again at the next call from outside; a call that takes too long is left to itself, and the line
 * waits for it while the run goes on. So a tracker that comes back gets all that it missed, in order and once.
 */
import { checkInteger, checkNames, checkNumber } from '@evolmm/internal'
import type { StepRecord } from '../records/record'
import { emitWarning, type WarningListener } from '@evolmm/internal/node'
import type { Tracker } from './tracker'

export interface GuardedOptions {
  /** Milliseconds that a run waits for its trackers at each call. @default 10,000 */
  timeLimit?: number
  /** Milliseconds that the end of a run waits for them, who may have something to upload. @default 60,000 */
  finishTimeLimit?: number
  /** Iterations that are kept for a tracker that does not take them; the oldest are lost first. @default 10,000 */
  keep?: number
  /** Hears of the first failure of each tracker, and of what it never got. @default a process warning */
  onWarning?: WarningListener
}

export interface TrackerCounts {
  name: string
  /** Calls that failed or took too long. */
  failures: number
  /** Iterations that the tracker has not got, and those among them that it can no longer get. */
  missing: number
  lost: number
  /** Calls of any kind that the tracker has yet to get. */
  waiting: number
}

export interface GuardedTracker<R extends StepRecord = StepRecord> extends Required<
  Omit<Tracker<R>, 'abandon'>
> {
  counts: () => TrackerCounts[]
}

export function guarded<R extends StepRecord>(
  trackers: readonly Tracker<R>[],
  options: GuardedOptions = {},
): GuardedTracker<R> {
  checkNames('guarded', options, { timeLimit: true, finishTimeLimit: true, keep: true, onWarning: true })
  const timeLimit = checkNumber('timeLimit', options.timeLimit ?? 10_000, { above: 0 })
  const finishTimeLimit = checkNumber('finishTimeLimit', options.finishTimeLimit ?? 60_000, { above: 0 })
  const keep = checkInteger('keep', options.keep ?? 10_000, { min: 1 })
  const { onWarning = emitWarning } = options
  const lines = trackers.map((tracker) => new Line(tracker, keep, onWarning))
  const pass = async (kind: TrackerCall['kind'], make: (tracker: Tracker<R>) => Made, limit = timeLimit) => {
    await Promise.all(lines.map((line) => line.pass({ kind, make: () => make(line.tracker) }, limit)))
  }
  return {
    name: 'trackers',
    start: (run) => pass('start', (tracker) => tracker.start?.(run)),
    log: (entry) => pass('log', (tracker) => tracker.log?.(entry)),
    flush: () => pass('flush', (tracker) => tracker.flush?.()),
    finish: async (outcome) => {
      await pass('finish', (tracker) => tracker.finish?.(outcome), finishTimeLimit)
      for (const line of lines) {
        line.reportLosses()
        await line.abandon()
      }
    },
    counts: () => lines.map((line) => line.counts()),
  }
}

type Made = void | Promise<void>

interface TrackerCall {
  kind: 'start' | 'log' | 'flush' | 'finish'
  make: () => Made
}

class Line<R extends StepRecord> {
  private readonly calls: TrackerCall[] = []
  /** The latest work; settles when nothing more can be done for now, and never rejects. */
  private working = Promise.resolve()
  private busy = false
  /** `true` while a call is left to itself. */
  private late = false
  private failures = 0
  private lost = 0
  private warned = false

  constructor(
    readonly tracker: Tracker<R>,
    private readonly keep: number,
    private readonly onWarning: WarningListener,
  ) {}

  async pass(call: TrackerCall, timeLimit: number): Promise<void> {
    this.add(call)
    if (!this.busy) this.working = this.work()
    // One that hangs holds up no further iteration.
    if (this.late && call.kind === 'log') return
    if (await settles(this.working, timeLimit)) return
    this.late = this.busy
    this.failed('TRACKER_SLOW', `gave no answer within ${timeLimit} ms`)
  }

  counts(): TrackerCounts {
    const { lost, failures } = this
    const logs = this.calls.filter(({ kind }) => kind === 'log').length
    return { name: this.tracker.name, failures, missing: logs + lost, lost, waiting: this.calls.length }
  }

  async abandon(): Promise<void> {
    if (this.calls.length === 0) return
    try {
      await this.tracker.abandon?.()
    } catch {
      // What keeps failing was said already.
    }
  }

  reportLosses(): void {
    const { name, missing, failures } = this.counts()
    if (missing === 0) return
    this.warn('TRACKER_LOST', `${name}: did not get ${missing} iterations after ${failures} failures`)
  }

  private add(call: TrackerCall): void {
    // One flush is worth as many as are waiting.
    if (call.kind === 'flush' && this.calls.at(-1)?.kind === 'flush' && this.calls.length > 1) return
    this.calls.push(call)
    if (this.counts().missing - this.lost <= this.keep) return
    // The head may be under way.
    const oldest = this.calls.findIndex(({ kind }, i) => i > 0 && kind === 'log')
    this.calls.splice(oldest, 1)
    this.lost++
  }

  private async work(): Promise<void> {
    this.busy = true
    try {
      for (let call = this.calls.at(0); call !== undefined; call = this.calls.at(0)) {
        await call.make()
        this.calls.shift()
      }
    } catch (error) {
      this.failed('TRACKER_FAILED', error instanceof Error ? error.message : String(error))
    } finally {
      this.busy = false
      this.late = false
    }
  }

  private failed(code: string, reason: string): void {
    this.failures++
    if (this.warned) return
    this.warned = true
    this.warn(code, `${this.tracker.name}: ${reason}; the run goes on, and it is tried again`)
  }

  /** A listener that throws must not stop a run either. */
  private warn(code: string, message: string): void {
    try {
      this.onWarning(message, code)
    } catch {
      // There is nobody left to tell.
    }
  }
}

/** Gives `true` when `work` settles within `limit` milliseconds. */
async function settles(work: Promise<void>, limit: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, limit, false)
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
