import { testOptionNames } from '@evolmm/internal/testing'
import { formatSettings, resolve } from '../src/index'
import { toy } from './support/toy'

testOptionNames([
  [
    'formatSettings',
    (options) => formatSettings(toy, { settings: {} as never, sources: {} as never }, options),
    { onli: [] },
    'only',
  ],
  ['resolve', (options) => resolve(toy, {}, options), { remedi: 'add it' }, 'remedy'],
])
