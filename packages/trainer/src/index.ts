// 1. The loop
export { evolve } from './evolve'
export type { EvolveOptions } from './evolve-options'
export type {
  GradedAnswer,
  GradedQuestion,
  Normalizer,
  ProposerPrompt,
  ProposerReward,
  SolverPrompt,
  SolverReward,
} from './custom-functions'
export { normalizer } from './normalizer'
export { evolmmRows } from './settings/rows'
export { evolmmSettings, type EvolmmGiven, type EvolmmSettings, type EvolmmValues } from './settings/settings'
export { startState, type RoleState, type TrainerState } from './state'
export { fallbackQuestion, proposerPrompt, solverPrompt } from './prompts'
export { perRole, roles, type Role } from './role'

// 2. A run on disk
export { train } from './train'
export type { Probe, TrainHooks, TrainOptions, TrainOutcome } from './train-options'
export { evolmm } from './evolmm'
export { heldWeights } from './held-weights'
export { loraTargets } from './model-options'
export { loadedState, savedState, type LoadStateOptions, type SaveStateOptions } from './saved-state'

// 3. Records
export type { Alarm, WatchOptions, WatchRecord, WatchState } from '@evolmm/rl-core'
export type { AnswerRecord, ImageRecord, IterationRecord } from './record/record'
export type { PhaseSeconds } from './record/phases'
export type { UpdateRecord } from './record/update-fields'

export { EvolmmError, type TrainerErrorCode } from './errors'
