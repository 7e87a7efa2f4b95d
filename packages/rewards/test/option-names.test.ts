import { testOptionNames } from '@evolmm/internal/testing'
import {
  continuousProposerReward,
  continuousSolverReward,
  discreteProposerReward,
  discreteSolverReward,
  duplicateQuestionPenalty,
  groupStatistics,
  malformedQuestionPenalty,
  normalizeCanonical,
  parseAnswer,
  parseQuestion,
  solverSample,
} from '../src/index'

testOptionNames([
  ['continuousProposerReward', continuousProposerReward, { sigm: 1 }, 'sigma'],
  ['continuousSolverReward', continuousSolverReward, { gama: 1 }, 'gamma'],
  ['discreteProposerReward', discreteProposerReward, { sigmaa: 1 }, 'sigma'],
  ['discreteSolverReward', discreteSolverReward, { invalidVote: true }, 'invalidVotes'],
  ['duplicateQuestionPenalty', duplicateQuestionPenalty, { treshold: 1 }, 'threshold'],
  ['groupStatistics', (options) => groupStatistics(['a'], options), { invalid_votes: true }, 'invalidVotes'],
  ['malformedQuestionPenalty', malformedQuestionPenalty, { wieght: 1 }, 'weight'],
  ['normalizeCanonical', (options) => normalizeCanonical('5', options), { percents: 1 }, 'percent'],
  ['parseAnswer', (options) => parseAnswer('5', options), { untaged: 'last-line' }, 'untagged'],
  ['parseQuestion', (options) => parseQuestion('5', options), { max_words: 1 }, 'maxWords'],
  ['solverSample', (options) => solverSample('5', options), { normalise: 1 }, 'normalize'],
])
