/**
 * Makes the tiny world's checkpoint again, from random weights: pnpm make:checkpoint [--folder=FOLDER] [--seed=1] [--state=FOLDER]
 *
 * Half an hour on one core of a laptop, or less. The result depends on nothing but the seed and is the same, bit for bit,
 * on one machine. Its accuracy on held-out charts, which no phase has seen, is written beside it.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  labelledPairs,
  makeCheckpoint,
  measureAccuracy,
  summarizeAccuracy,
  warmupPhases,
} from '@evolmm/tiny-world'
import { inspectRuntime, loadVlm } from '@evolmm/vlm'

const { values: given } = parseArgs({
  options: {
    folder: {
      type: 'string',
      default: fileURLToPath(new URL('../../packages/tiny-world/checkpoint', import.meta.url)),
    },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
    /** Keep the state here, to go on from after an interruption. */
    state: { type: 'string' },
  },
})
const [seed, threads] = [Number(given.seed), Number(given.threads)]
const percent = ({ mean, margin }) => `${(100 * mean).toFixed(1)} ± ${(100 * margin).toFixed(1)}`

const start = performance.now()
const seconds = () => `${((performance.now() - start) / 1000).toFixed(0)} s`
let losses = []
await makeCheckpoint({
  folder: given.folder,
  seed,
  threads,
  stateFolder: given.state,
  onStep: ({ step, loss }, phase) => {
    losses.push(loss)
    if (step % 50 !== 0) return
    const mean = losses.reduce((sum, each) => sum + each, 0) / losses.length
    losses = []
    console.log(
      `phase ${phase + 1}, step ${step} of ${warmupPhases[phase].steps}: loss ${mean.toFixed(3)}, ${seconds()}`,
    )
  },
})

const vlm = await loadVlm(given.folder, { threads })
const pairs = labelledPairs({ split: 'test', charts: 300, questions: 4 })
const accuracy = summarizeAccuracy(await measureAccuracy(vlm, { pairs }))
await vlm.dispose()
const { node, onnxruntime, platform, arch } = await inspectRuntime()
const record = {
  command: `pnpm make:checkpoint --seed=${seed} --threads=${threads}`,
  seed,
  threads,
  phases: warmupPhases,
  engine: { node, onnxruntime, platform, arch },
  test: { charts: 300, questionsPerChart: 4, ...accuracy },
}
await writeFile(join(given.folder, 'tiny-world.json'), `${JSON.stringify(record, null, 2)}\n`)
for (const [name, { count, greedy, sampled }] of [['all', accuracy.all], ...Object.entries(accuracy.kinds)])
  console.log(
    `${name.padEnd(8)} ${String(count).padStart(5)}  greedy ${percent(greedy)}  sampled ${percent(sampled)}`,
  )
console.log(`${given.folder}, ${seconds()}`)
