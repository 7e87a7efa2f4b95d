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
export type { RunInfo, RunOutcome, Tracker } from './trackers/tracker'

// The report of a run
export { writeReport, type WriteReportOptions } from './report/write-report'

export { EvolmmError } from '@evolmm/internal'
