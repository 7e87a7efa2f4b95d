/** Two iterations of the trainer on a device, in a process of its own: node device-evolve.mjs FOLDER IMAGES DEVICE. */
import { loadVlm, type LoadVlmOptions } from '@evolmm/vlm'
import { evolve } from '../../src/index'
import { textReward } from './tiny-train'
import { tinyOptions } from './tiny-run'

const [folder, images, device] = process.argv.slice(2)
const vlm = await loadVlm(folder, { device: device as LoadVlmOptions['device'], threads: 1 })
const options = await tinyOptions(vlm, images, {
  reward: textReward,
  proposer_update_freq: 2,
  total_steps: 2,
})
const { solver, proposer } = options.state
const adapters = [solver.adapter, proposer.adapter]
const before = adapters.map(({ parameters }) => parameters.slice())
const records: unknown[] = []
for await (const record of evolve(options)) records.push(record)
const moved = adapters.map(({ parameters }, role) => [
  ...parameters.map((value, i) => value - before[role][i]),
])
await vlm.dispose()
process.stdout.write(JSON.stringify({ records, moved }))
