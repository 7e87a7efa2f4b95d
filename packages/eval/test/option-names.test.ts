import { testOptionNames } from '@evolmm/internal/testing'
import { cleanAnswer, evaluate, fileTask, formatComparison, openAiJudge } from '../src/index'

testOptionNames([
  ['cleanAnswer', (options) => cleanAnswer('a', options), { mode: 'compat', untill: [] }, 'until'],
  ['fileTask', fileTask, { file: 'a', scorer: 'exact', instructions: '' }, 'instruction'],
  ['formatComparison', (options) => formatComparison([], options), { name: [] }, 'names'],
  [
    'generation',
    (generation) => evaluate({ tasks: [], sampler: undefined as never, generation }),
    { max_new_tokens: 4 },
    'maxNewTokens',
  ],
  ['openAiJudge', openAiJudge, { base_url: '' }, 'baseUrl'],
])
