/** What a training method gives to be run on disk. */
import type { Rows, Schema, Settings } from '@evolmm/settings'
import type { Identity } from './checkpoint/compare-identity'
import type { Checkpoint, SavedState } from './checkpoint/state'
import type { StepRecord } from './records/record'
import type { RecordKind } from './records/record-kind'
import type { WarningListener } from '@evolmm/internal/node'

export interface Method<R extends StepRecord, S extends Rows = Rows> extends RecordKind<R> {
  /** All settings, those of every run (`runRows`, `trackingRows`) among them. */
  schema: Schema<S>
  /** What an earlier version stored of what counts, in the names of today; `now` is what counts of this run. @default as stored */
  formerIdentity?: (stored: Identity, now: Identity) => Identity
  /** Opens what the loop needs. Nothing of the run has been written yet, so that what cannot be opened leaves no trace. */
  open(context: OpenContext<S>): Promise<OpenMethod<R>>
}

export interface OpenContext<S extends Rows = Rows> {
  settings: Settings<S>
  /** The checkpoint that the run goes on from; `undefined` at the start. */
  from: Checkpoint | undefined
  /** Aborted when the run shall end before the next iteration. */
  signal: AbortSignal
  onWarning: WarningListener
  /** Calls `cleanup` when the run is over, whatever ends it; the latest first. */
  defer: (cleanup: () => unknown) => void
}

export interface OpenMethod<R extends StepRecord> {
  /**
   * The loop: yields a record for each iteration that is left, and ends early where the signal says so. Until a record is
   * yielded, nothing of its iteration is in the state, whatever fails.
   */
  records: AsyncIterable<R>
  /** The state after the latest record; its tensors may be the live ones. */
  state: () => SavedState
  /** The bytes of a disk that a checkpoint takes, about. @default what the vectors of `state` take now */
  checkpointBytes?: number
  /** A small evaluation that is made now and then. */
  probe?: RunProbe<R>
  /** What `run.json` keeps besides the settings: `images`, for instance. */
  facts?: Readonly<Record<string, unknown>>
  /** Versions of what the method computes with, for `run.json`. */
  versions?: Readonly<Record<string, string>>
  /** Called once all iterations are done and saved. */
  finish?: () => Promise<void>
}

export interface RunProbe<R extends StepRecord> {
  /** Iterations from one measurement to the next; 0 for none between the first and the last. */
  every: number
  run: () => Promise<Record<string, number>>
  /** Hears how long the measurement took that belongs to a record. */
  onTime?: (record: R, seconds: number) => void
}
