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
export type { RunInfo, RunOutcome, Tracker } from './trackers/tracker'

export { EvolmmError } from '@evolmm/internal'
