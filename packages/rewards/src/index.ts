// 1. Answers and questions in model output
export { INVALID, type Answer } from './answer'
export { extractTag } from './parse/extract-tag'
export {
  parseAnswer,
  untaggedAnswers,
  type ParseAnswerOptions,
  type ParsedAnswer,
} from './parse/parse-answer'
export {
  parseQuestion,
  type ParseQuestionOptions,
  type ParsedQuestion,
  type QuestionFault,
} from './parse/parse-question'
export { finalAnswer } from './parse/final-answer'
export { wordsBeforeAnswer } from './parse/words-before-answer'

// 2. When two answers are the same
export { normalizeCanonical, type CanonicalOptions } from './normalize/normalize-canonical'
export { normalizeReleased } from './normalize/normalize-released'
export { normalizerNames, normalizers, type NormalizerName } from './normalize/normalizers'

// 3. What a group of answers says
export { groupStatistics, type VoteOptions, type GroupStatistics } from './group-statistics'

// 4. Rewards for the solver
export type { ProposerSample, Reward, SolverSample } from './reward/reward'
export { solverSample, type SolverSampleOptions } from './reward/solver-sample'
export {
  continuousSolverReward,
  solverRewardDefaults,
  type ContinuousSolverRewardOptions,
} from './reward/continuous-solver-reward'
export { discreteSolverReward } from './reward/discrete-solver-reward'
export { formatReward } from './reward/format-reward'

// 5. Rewards for the proposer
export { entropyBandDefaults, type EntropyBandOptions } from './reward/entropy-band'
export { continuousProposerReward } from './reward/continuous-proposer-reward'
export { discreteProposerReward } from './reward/discrete-proposer-reward'
export {
  duplicateQuestionPenalty,
  type DuplicateQuestionPenaltyOptions,
} from './reward/duplicate-question-penalty'
export {
  malformedQuestionPenalty,
  type MalformedQuestionPenaltyOptions,
} from './reward/malformed-question-penalty'

// 6. Combining them
export { gate } from './reward/gate'
export { product } from './reward/product'
export { weighted } from './reward/weighted'

// 7. Against answers that are known to be right
export { scorerNames, scorers, type Scorer, type ScorerName } from './score/scorers'
export { verifyAnswer, type VerifiedAnswer, type VerifyOptions } from './score/verify-answer'
export { anls } from './score/anls'
export { editDistance } from './score/edit-distance'
export { inferOption } from './score/infer-option'
export { lettered, letterOf } from './score/option-letters'
export { latexValue } from './score/latex-value'
export { mathEqual } from './score/math-equal'
export { relaxedMatch } from './score/relaxed-match'

export { EvolmmError, type RewardsErrorCode } from './errors'
