// Advantages
export type { Advantages, AdvantageEstimator, Rewards } from './advantages/estimator'
export { emaBaseline, type EmaBaselineOptions, type EmaState } from './advantages/ema-baseline'
export { groupNormalized, type GroupNormalizedOptions } from './advantages/group-normalized'
export { leaveOneOut } from './advantages/leave-one-out'
export { noBaseline } from './advantages/no-baseline'
export { whiten, whitened } from './advantages/whiten'

// Optimizer
export { AdamW, adamWDefaults, type AdamWOptions, type AdamWReport, type AdamWState } from './optimizer/adamw'
export { learningRate, type LearningRateOptions } from './optimizer/learning-rate'

// Controllers
export {
  adaptiveKl,
  adaptiveKlDefaults,
  type AdaptiveKlOptions,
  fixedKl,
  type KlController,
  type KlState,
} from './control/kl-controller'
export {
  type ScoredTemperature,
  type TemperatureController,
  publishedTemperatures,
  temperatureGrid,
  type TemperatureGridOptions,
  type TemperatureState,
} from './control/temperature-grid'
export {
  type CollapseDetector,
  collapseDetector,
  type CollapseDetectorOptions,
  type CollapseObservation,
  type CollapseState,
} from './control/collapse-detector'
export {
  answerShares,
  type AnswerShares,
  type AskedQuestion,
  sharesHaveRisen,
  type TextShare,
} from './control/answer-shares'
export {
  type Alarm,
  type CollapseWatch,
  collapseWatch,
  watchDefaults,
  type WatchedIteration,
  type WatchedQuestion,
  type WatchOptions,
  type WatchRecord,
  type WatchState,
} from './control/collapse-watch'

// Processes that train together
export type { ProcessGroup } from './group/process-group'
export { soloGroup } from './group/solo-group'

// Random numbers
export { type Coordinates, type Counter, drawAt, jump, type Key } from './random/counter'
export { fillNormal, fillUniform, normal, uniform } from './random/draw'
export { philox4x32 } from '@evolmm/internal'

// Errors
export { EvolmmError, type RlCoreErrorCode } from './errors'
