import { testOptionNames } from '@evolmm/internal/testing'
import { writeSafetensors, writeTensors } from '../src/index'

testOptionNames([
  [
    'writeSafetensors',
    (options) => writeSafetensors('/nowhere/a', [], options),
    { dtipe: 'float32' },
    'dtype',
  ],
  ['writeTensors', (options) => writeTensors('/nowhere/a', [], options), { alignement: 8 }, 'alignment'],
])
