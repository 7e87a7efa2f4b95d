/** A tracker follows a run. It may fail; the run goes on. */
import type { Entry } from '../records/entry'
import type { StepRecord } from '../records/record'

export interface RunInfo {
  name: string
  /** The run's folder, absolute. */
  folder: string
  /** The resolved settings, by the names of the flags. */
  config: Readonly<Record<string, unknown>>
  totalSteps: number
  /** Iterations that were done before: 0, or the step of the checkpoint that the run goes on from. */
  startStep: number
  /** Numbers of the evaluation probe before the first iteration of the run; `null` without a probe. */
  probe: Readonly<Record<string, number>> | null
}

export interface RunOutcome {
  /** The number of iterations that are done. */
  step: number
  status: 'finished' | 'stopped' | 'failed'
}

/** What a tracker does not care for it leaves out. */
export interface Tracker<R extends StepRecord = StepRecord> {
  name: string
  start?: (run: RunInfo) => void | Promise<void>
  log?: (entry: Entry<R>) => void | Promise<void>
  /** All that was logged is safe on disk, or on its way, when this resolves: called before each checkpoint. */
  flush?: () => void | Promise<void>
  finish?: (outcome: RunOutcome) => void | Promise<void>
  /** Lets go of files: the run has ended, and `finish` was not called or did not succeed, since an earlier call keeps failing. */
  abandon?: () => void | Promise<void>
}
