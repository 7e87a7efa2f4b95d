import { testOptionNames } from '@evolmm/internal/testing'
import { checkFit, planRun, reportRun } from '../src/index'

testOptionNames([
  [
    'checkFit',
    (options) => {
      checkFit(undefined as never, options)
    },
    { limit: {} },
    'limits',
  ],
  ['planRun', (options) => planRun(undefined as never, options), { devise: 'cpu' }, 'device'],
  ['reportRun', (options) => reportRun(undefined as never, options), { imag: {} }, 'image'],
])
