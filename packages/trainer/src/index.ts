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
export type { RunInfo, RunOutcome, Tracker } from './trackers/tracker'

// Supervised learning
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
