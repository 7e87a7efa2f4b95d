// 1. Answers and what they are worth
export { splitSteps, type StepRule } from './split-steps'
export { answerScore } from './answer-score'
export { weightedVote, type WeightedAnswer } from './weighted-vote'

// 2. Answers of a policy
export { generate, type GenerateOptions, type NumberedQuestion } from './generate'
export type { RolledAnswer, Rollout } from './rollout'
export { openRollouts, type RolloutsFile, type RolloutsHead } from './rollouts-file'

// 3. The process reward model
export { labelSteps, type LabelledStep, type LabelStepsOptions } from './label-steps'
export { scoreAnswers, type AnsweredPrompt, type ScoreAnswersOptions } from './score-answers'

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
export type { GeneratedRecord, MstarRecord } from './record'
export { mstar } from './mstar'
export { mstarSettings, type MstarGiven, type MstarSettings, type QuestionPrompt } from './settings'

export { EvolmmError, type MstarErrorCode } from './errors'
