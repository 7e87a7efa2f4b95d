// Records
export type {
  Alarm,
  AnswerRecord,
  ImageRecord,
  IterationRecord,
  PhaseSeconds,
  UpdateRecord,
  WatchRecord,
} from './record'

// Trackers
export { iterLog } from './trackers/iter-log'
export { readIterLog } from './trackers/read-iter-log'
export { truncateIterLog } from './trackers/truncate-iter-log'
export { type Metric, metricsOf, metricTable } from './trackers/metrics'
export { tensorboard, type TensorboardOptions } from './trackers/tensorboard'
export {
  type StatusLine,
  statusLine,
  type StatusLineOptions,
  type StatusOutput,
} from './trackers/status-line'
export { guarded, type GuardedOptions, type GuardedTracker, type TrackerCounts } from './trackers/guarded'
export { wandb } from './trackers/wandb'
export { type SyncedWandb, syncWandb, type SyncWandbOptions } from './trackers/sync-wandb'
export type {
  WandbConnectionOptions,
  WandbMode,
  WandbOptions,
  WandbResume,
} from './trackers/wandb/wandb-options'
export { noTracker } from './trackers/no-tracker'
export type { TrackerWarning, TrackerWarningListener } from './trackers/warning'
export type { RunInfo, RunOutcome, Tracker } from './trackers/tracker'

export { EvolmmError } from '@evolmm/internal'
