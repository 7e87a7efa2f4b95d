// 1. The loop
export { supervise, type Supervised, type SuperviseOptions } from './supervise'
export { sftSteps, type SftState, type SftSteps, type SftStepsOptions } from './sft-steps'
export { batchPlaces, type BatchPlacesOptions } from './batch-places'
export { withValueHead } from './with-value-head'
export type { SftExample, SftTurn, StepValue } from './example'
export type { SftRecord } from './record'
export { learningMetrics } from './learning-metrics'
export { loadState, saveState } from './state-file'

// 2. A run on disk
export { train, type SftHooks, type SftOptions, type SftOutcome } from './train'
export type { SftModel } from './open-sft'
export { savedState, stateFrom } from './saved-state'
export { sft } from './sft'

// 3. Settings
export { learningSettings, sftSettings } from './settings'
export { loraNeed, openTrained, trainedRows } from './trained'
export type { LearningSettings, SftGiven, SftSettings } from './settings'

export { EvolmmError, type SftErrorCode } from './errors'
