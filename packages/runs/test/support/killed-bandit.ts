/** A process of its own that plays until it is done or killed: node killed-bandit.mjs FOLDER STEPS */
import { resolve } from '@evolmm/settings'
import { run } from '../../src'
import { bandit, banditSettings } from './bandit'

const [folder = '', steps] = process.argv.slice(2)
const settings = resolve(banditSettings, { total_steps: Number(steps), save_every: 7, tensorboard: false })
await run(bandit, {
  folder,
  settings,
  onRecord: ({ step }) => process.send?.(step),
})
