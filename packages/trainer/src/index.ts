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

export { EvolmmError } from '@evolmm/internal'
