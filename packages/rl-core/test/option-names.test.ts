import { testOptionNames } from '@evolmm/internal/testing'
import {
  AdamW,
  adaptiveKl,
  collapseDetector,
  collapseWatch,
  emaBaseline,
  groupNormalized,
  learningRate,
  temperatureGrid,
} from '../src/index'

testOptionNames([
  ['AdamW', (options) => new AdamW(options), { size: 1, weigthDecay: 0 }, 'weightDecay'],
  ['adaptiveKl', adaptiveKl, { coeficient: 1 }, 'coefficient'],
  ['collapseDetector', collapseDetector, { entropyFloor: 0, patience: 1, pacience: 2 }, 'patience'],
  ['collapseWatch', collapseWatch, { windw: 1 }, 'window'],
  ['emaBaseline', emaBaseline, { decy: 0.5 }, 'decay'],
  ['groupNormalized', groupNormalized, { sacle: false }, 'scale'],
  ['learningRate', learningRate, { schedule: 'constant', base: 1, warmup_steps: 3 }, 'warmupSteps'],
  ['temperatureGrid', temperatureGrid, { grids: [1] }, 'grid'],
])
