/** What a run on disk can be told besides its settings. */
import type { RunOutcome, Tracker, WarningListener } from '@evolmm/runs'
import type { Adapter, LoadVlmOptions, Vlm } from '@evolmm/vlm'
import type { IterationRecord } from './record/record'
import type { EvolmmGiven } from './settings/settings'

/** Settings by name, and what is no setting: what else follows the run, and what ends it. */
export type TrainOptions = EvolmmGiven & TrainHooks

export interface TrainHooks {
  /** Trackers besides the log of iterations, which every run has, and those that settings choose. @default none */
  trackers?: readonly Tracker<IterationRecord>[] | undefined
  probe?: Probe | undefined
  /** Further values, as JSON, that a run which goes on must have again. @default none */
  depends?: Readonly<Record<string, unknown>> | undefined
  /** The version of evolmm, for the records. @default none */
  version?: string | null | undefined
  /** Settings of the hub that models are fetched from. */
  hub?: LoadVlmOptions['hub']
  /** Saves, and ends the run before the next iteration. */
  signal?: AbortSignal | undefined
  onRecord?: ((record: IterationRecord) => void) | undefined
  onCheckpoint?: ((folder: string) => void) | undefined
  onWiden?: LoadVlmOptions['onWiden']
  onQuantize?: LoadVlmOptions['onQuantize']
  /** @default a Node process warning */
  onWarning?: WarningListener | undefined
}

export interface TrainOutcome extends RunOutcome {
  /** The folder of the run. */
  folder: string
}

/** A small evaluation before the first iteration, every so many, and after the last: named numbers. */
export interface Probe {
  /** 0 for none in between. */
  every: number
  run: (policy: { vlm: Vlm; adapter: Adapter }) => Promise<Record<string, number>>
}
