/**
 * The parts of an iteration of the tiny world: 8 images x 5 answers, proposer as it is, on one thread. Run it on a quiet
 * machine; the figures of a PyTorch study of the same shape are 140 ms on one core.
 *
 * node scripts/bench.mjs packages/trainer/bench/evolve.mjs [--updates=60] [--threads=1]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openImageDataset } from '@evolmm/dataset'
import { resolve } from '@evolmm/settings'
import { evolmmSettings, evolve, startState } from '@evolmm/trainer'
import { loadVlm } from '@evolmm/vlm'
import { proposerPrompt, splitChart, writeCharts } from '../../tiny-world/src/index'
import { charts, settings } from './evolve.json'

const { values } = parseArgs({
  options: { updates: { type: 'string', default: '60' }, threads: { type: 'string', default: '1' } },
})
const folder = await mkdtemp(join(tmpdir(), 'evolmm-bench-'))
await writeCharts(
  folder,
  Array.from({ length: charts }, (_, i) => splitChart('evolve', i)),
)
const vlm = await loadVlm('packages/tiny-world/checkpoint', {
  device: 'cpu',
  threads: Number(values.threads),
})
const state = startState({ solver: vlm.createAdapter({ seed: 1 }), proposer: vlm.createAdapter({ seed: 2 }) })
const phases = ['encode', 'propose', 'solve', 'learn', 'total']
const times = Object.fromEntries(phases.map((phase) => [phase, []]))
for await (const { step, seconds } of evolve({
  solver: vlm,
  proposer: vlm,
  images: await openImageDataset({ root: folder }),
  state,
  settings: resolve(evolmmSettings, {
    total_steps: Number(values.updates),
    ...settings,
    proposer_prompt: proposerPrompt,
  }),
})) {
  // All programs are open by then, and every image is known.
  if (step > 10) for (const phase of phases) times[phase].push(1000 * seconds[phase])
}
await vlm.dispose()
await rm(folder, { recursive: true })
const at = (list, share) => list.sort((a, b) => a - b)[Math.floor(share * (list.length - 1))].toFixed(1)
console.log('ms per iteration   least  median  slowest')
for (const phase of phases)
  console.log(
    `${phase.padEnd(18)}${at(times[phase], 0).padStart(6)}${at(times[phase], 0.5).padStart(8)}${at(times[phase], 1).padStart(9)}`,
  )
