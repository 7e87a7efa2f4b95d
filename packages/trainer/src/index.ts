// 1. The loop
export { evolve } from './evolve'
export type {
  Baseline,
  EvolveOptions,
  GradedAnswer,
  GuardSettings,
  KlSettings,
  OptimizerSettings,
  PolicyModel,
  PromptSettings,
  RewardSettings,
  SamplingSettings,
  SolverReward,
} from './options'
export { startState, type RoleState, type TrainerState } from './state'
export type { WatchOptions, WatchState } from './watch'
export { defaultProposerPrompt, defaultSolverPrompt, fallbackQuestion } from './prompts'

// 2. Records
export type {
  Alarm,
  AnswerRecord,
  ImageRecord,
  IterationRecord,
  PhaseSeconds,
  UpdateRecord,
  WatchRecord,
} from './record'

// 3. Trackers
export type { RunInfo, RunOutcome, Tracker } from './trackers/tracker'

export { EvolmmError } from '@evolmm/internal'
