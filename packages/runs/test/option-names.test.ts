import { testOptionNames } from '@evolmm/internal/testing'
import { guarded, saveCheckpoint, statusLine, syncWandb, tensorboard, tensorOf, wandb } from '../src/index'

testOptionNames([
  ['guarded', (options) => guarded([], options), { timeLimits: 1 }, 'timeLimit'],
  ['saveCheckpoint', saveCheckpoint, { folder: '/nowhere', steps: 1 }, 'step'],
  ['statusLine', statusLine, { output: process.stderr, every_seconds: 1 }, 'everySeconds'],
  ['syncWandb', (options) => syncWandb('/nowhere', options), { retrie: 1 }, 'retries'],
  ['tensorboard', tensorboard, { textEvery: 1 }, 'textsEvery'],
  [
    'tensorOf',
    (rules) => tensorOf({ folder: '/nowhere', tensors: new Map() }, 'first', rules),
    { length: 1, mim: 0 },
    'min',
  ],
  ['wandb', wandb, { mode: 'disabled', projekt: 'a' }, 'project'],
])
