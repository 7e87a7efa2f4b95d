import { testOptionNames } from '@evolmm/internal/testing'
import { balancePairs, generate, labelSteps, scoreAnswers } from '../src/index'

testOptionNames([
  ['balancePairs', (options) => balancePairs([], options), { sise: 1 }, 'size'],
  ['generate', (options) => generate(options).next(), { sampels: 1 }, 'samples'],
  ['labelSteps', labelSteps, { completion: 1 }, 'completions'],
  ['scoreAnswers', scoreAnswers, { rules: 'lines' }, 'rule'],
])
