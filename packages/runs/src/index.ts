// 1. Records, and what is made of them
export type { StepRecord } from './records/record'
export type { Picture, RecordKind } from './records/record-kind'
export type { ChartOptions, Metric, Tone } from './records/metric'
export type { Change, Direction } from './records/change'
export type {
  Gallery,
  GradedAnswer,
  GradedAnswers,
  Heading,
  Moment,
  PageContent,
  Sums,
  Sweep,
  Sweeps,
} from './records/page-content'
export { metricsOf, valueOf } from './records/metrics-of'
export { entryOf, type Entry } from './records/entry'

// 2. A run on disk
export { run, type RunOptions } from './run'
export type { Method, OpenContext, OpenMethod, RunProbe } from './method'
export { runRows, trackingRows, type RunRows, type RunSettings } from './settings'
export { readRunFile, writeRunFile, type RunFile } from './run-file'

// 3. Checkpoints
export type { Checkpoint, CheckpointHead, SavedState } from './checkpoint/state'
export { saveCheckpoint, type SaveCheckpointOptions } from './checkpoint/save-checkpoint'
export { invalidCheckpoint, orGoOnEarlier, readCheckpoint, tensorOf } from './checkpoint/read-checkpoint'
export { findCheckpoints, type FoundCheckpoint } from './checkpoint/find-checkpoints'
export { compareIdentity } from './checkpoint/compare-identity'
export { retainCheckpoints } from './checkpoint/retain-checkpoints'

// 4. The log
export { jsonLines, type LogCodec, type LogLine } from './records/log-codec'
export {
  fromLogFields,
  fromLogNumber,
  fromLogNumbers,
  isLogNumber,
  toLogFields,
  toLogNumber,
  toLogNumbers,
  type LogNumber,
} from './records/log-numbers'
export { readLog } from './log/read-log'
export { runLog } from './log/run-log'
export { logFile } from './log/scan-log'
export { truncateLog } from './log/truncate-log'

// 5. Trackers
export type { RunInfo, RunOutcome, Tracker } from './trackers/tracker'
export { chosenTrackers } from './trackers/chosen-trackers'
export { guarded, type GuardedOptions, type GuardedTracker, type TrackerCounts } from './trackers/guarded'
export { tensorboard, type TensorboardOptions } from './trackers/tensorboard'
export {
  statusLine,
  type StatusLine,
  type StatusLineOptions,
  type StatusOutput,
} from './trackers/status-line'
export { wandb } from './trackers/wandb'
export { syncWandb, type SyncedWandb, type SyncWandbOptions } from './trackers/sync-wandb'
export type {
  WandbConnectionOptions,
  WandbMode,
  WandbOptions,
  WandbResume,
} from './trackers/wandb/wandb-options'
export type { WarningListener } from '@evolmm/internal/node'

export { EvolmmError, type RunsErrorCode } from './errors'
