// 1. The loop
export { evolve } from './evolve'
export type {
  Baseline,
  EvolveOptions,
  EvolveSettings,
  GuardSettings,
  KlSettings,
  OptimizerSettings,
  PromptSettings,
  RewardSettings,
  SamplingSettings,
} from './options'
export type {
  GradedAnswer,
  GradedQuestion,
  Normalizer,
  ProposerPrompt,
  ProposerReward,
  SolverPrompt,
  SolverReward,
} from './custom-functions'
export { malformedFaults } from './options'
export { normalizer } from './normalizer'
export { evolmmSettings, type EvolmmGiven, type EvolmmSettings, type EvolmmValues } from './settings/settings'
export { startState, type RoleState, type TrainerState } from './state'
export { fallbackQuestion, proposerPrompt, solverPrompt } from './prompts'

// 2. A run on disk
export { train } from './train'
export type { Probe, RoleOptions, TrainOptions } from './train-options'
export { saveCheckpoint, type SaveCheckpointOptions } from './checkpoint/save-checkpoint'
export { loadCheckpoint, type LoadCheckpointOptions } from './checkpoint/load-checkpoint'
export { findCheckpoints, type FoundCheckpoint } from './checkpoint/find-checkpoints'
export type { RunFile } from './run-file'

// 3. Records
export type { Alarm, WatchOptions, WatchRecord, WatchState } from '@evolmm/rl-core'
export type { AnswerRecord, ImageRecord, IterationRecord, PhaseSeconds, UpdateRecord } from './record'

// 4. Trackers
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

// 5. The page about a run
export { writeReport, type WriteReportOptions } from './report/write-report'

// 6. Supervised learning
export {
  warmup,
  type Warmup,
  type WarmupExample,
  type WarmupOptions,
  type WarmupRecord,
  type WarmupState,
} from './warmup/warmup'
export { loadWarmup, saveWarmup } from './warmup/state-file'

export { EvolmmError } from '@evolmm/internal'
