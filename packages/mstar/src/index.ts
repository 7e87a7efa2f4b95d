// 1. Answers and what they are worth
export { splitSteps, type StepRule } from './split-steps'
export { answerScore } from './answer-score'
export { weightedVote, type WeightedAnswer } from './weighted-vote'

// 2. Answers of a policy
export { generate, type GenerateOptions, type NumberedQuestion } from './generate'
export type { RolledAnswer, Rollout } from './rollout'
export { openRollouts, readRollouts, type RolloutsFile, type RolloutsHead } from './rollouts-file'
export type { JournalReader } from './journal'

// 3. The process reward model
export { labelSteps, type LabelledStep, type LabelStepsOptions } from './label-steps'
export type { StepScorer } from './score-steps'
export { scoreAnswers, type AnsweredPrompt, type ScoreAnswersOptions } from './score-answers'

export { trainRewardModel, type PrmHooks, type PrmOptions, type PrmOutcome } from './prm/train-reward-model'
export { prm } from './prm/method'
export { prmSettings, type PrmGiven, type PrmSettings } from './prm/settings'
export type { PrmModel } from './prm/open-prm'
export type { PrmProgress } from './prm/labelled-data'
export { rewardReport, type JudgedStep, type JudgedSteps, type RewardReport } from './prm/report'

// 4. What is learned
export { selectAnswers, type ScoredAnswer, type Selection } from './select-answers'
export { chooseAlpha, type JudgedAnswer } from './choose-alpha'
export { balancePairs, type BalanceOptions, type LabelledAnswer } from './balance-pairs'

// 5. What is watched
export { dynamics, type Dynamics, type MonitoredAnswer, type MonitoredQuestion } from './monitor'

// 6. A run on disk
export { train, type MstarHooks, type MstarOptions } from './train'
export type { MstarModel } from './open-mstar'
export type { MstarProgress } from './progress'
export type { ExampleAnswer, ExampleAnswers, ExampleRecord, GeneratedRecord, MstarRecord } from './record'
export { planWork, type PlannedWork, type PlanWorkOptions } from './plan-work'
export { assumeQuestions, surveyQuestions, type QuestionsSurvey } from './survey-questions'
export { mstar } from './mstar'
export {
  mstarRows,
  mstarSettings,
  type MstarGiven,
  type MstarSettings,
  type QuestionPrompt,
} from './settings'

// 7. Its parts by themselves, in the folder of a run
export {
  collectRollouts,
  type CollectedRollouts,
  type CollectHooks,
  type CollectOptions,
  type PartProgress,
} from './parts/collect-rollouts'
export type { AnswerCounts } from './count-answers'
export { rolloutSettings, type RolloutGiven, type RolloutSettings } from './parts/rollout-settings'
export type { PartModel } from './parts/part-model'
export { selectLessons, type SelectedLessons } from './parts/select-lessons'
export { selectSettings, type SelectGiven, type SelectSettings } from './parts/select-settings'
export {
  readStatus,
  type FileStatus,
  type LoopStatus,
  type MstarStatus,
  type RewardModelStatus,
  type Share,
} from './read-status'

export { EvolmmError, type MstarErrorCode } from './errors'
