/**
 * A vision-language model improves itself from pictures alone: npm run quickstart [-- --seed=1 --updates=300]
 *
 * The model is tiny (1.4 million parameters) and half taught: it often knows what a chart shows, but is unsure of itself,
 * and asked five times it gives different answers. Here it looks at new charts, asks itself questions about them, answers
 * each five times, and is rewarded for answers that agree. Nobody tells it which of them are right.
 *
 * Ctrl-C saves, and the same command goes on from there. A run that is finished is not run again: its result is shown.
 */
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import * as tinyWorld from '@evolmm/tiny-world'
import { EvolmmError, readIterLog, statusLine, train, writeReport } from '@evolmm/trainer'

const { values: flags } = parseArgs({
  options: {
    updates: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' }, // of one operation; the model is so small that more are no faster
    output_dir: { type: 'string', default: 'runs' },
  },
})
const [updates, seed, threads] = ['updates', 'seed', 'threads'].map((name) => Number(flags[name]))

// 1. Pictures. Each is drawn from a seed, so every machine has the same. No word about them is written anywhere.
const pictures = 1000
console.log(`Drawing ${pictures} charts ...`)
const charts = resolve(flags.output_dir, 'quickstart-charts')
const drawn = Array.from({ length: pictures }, (_, i) => tinyWorld.splitChart('evolve', i))
await tinyWorld.writeCharts(charts, drawn)

// 2. An examination, on other charts. This is the only place with labels, and nothing is learned from it.
const heldOut = tinyWorld.labelledPairs({ split: 'test', charts: 300 })
const measures = ['sampled', 'greedy', 'agreement']
async function examine({ vlm, adapter }) {
  const { all } = tinyWorld.summarizeAccuracy(
    await tinyWorld.measureAccuracy(vlm, { adapter, pairs: heldOut }),
  )
  // The report draws an interval where a number has a `_low` and a `_high` beside it.
  const numbers = measures.flatMap((name) => {
    const { mean, margin } = all[name]
    return Object.entries({ [name]: mean, [`${name}_low`]: mean - margin, [`${name}_high`]: mean + margin })
  })
  return { questions: all.count, ...Object.fromEntries(numbers) }
}

// 3. The model, and how it learns. Both roles are LoRA adapters on one checkpoint; the one that asks stays as it is.
const attention = ['q_proj', 'k_proj', 'v_proj', 'o_proj']
const role = {
  model: fileURLToPath(new URL('../../packages/tiny-world/checkpoint', import.meta.url)),
  lora: { rank: 16, alpha: 32, dropout: 0, targets: [...attention, 'gate_proj', 'up_proj', 'down_proj'] },
}
const recipe = {
  batchSize: 8, // charts in an update, with one question each
  samples: 5, // answers to a question
  rewards: { kind: 'continuous' }, // how many of the others agree, to the power of 0.7
  baseline: 'leave-one-out', // an answer is compared with the other four
  kl: { control: 'fixed', coefficient: 0.1 }, // what it costs to move away from the model it was
  optimizer: { lr: 3e-4, warmupSteps: 10 },
  proposerUpdateFreq: 0,
  prompts: { proposer: tinyWorld.proposerPrompt, solver: '{question}' },
  sampling: { proposerTokens: 32, solverTokens: 16 },
}

// 4. The run. All of it is in one folder: log, checkpoints, report.
const interrupt = new AbortController()
process.once('SIGINT', () => {
  console.log('\nSaving; Ctrl-C once more stops at once.')
  interrupt.abort()
})
const folder = resolve(flags.output_dir, `quickstart-seed-${flags.seed}`)
const line = statusLine({ output: process.stdout })
const percent = (numbers, name) => {
  const half = (numbers[`${name}_high`] - numbers[`${name}_low`]) / 2
  return `${(100 * numbers[name]).toFixed(1)} ± ${(100 * half).toFixed(1)} %`.padStart(15)
}
const showExamination = (step, numbers) => {
  line.clear()
  console.log(`${String(step).padStart(11)}${measures.map((name) => percent(numbers, name)).join('')}`)
}
console.log(`Examining the model, then ${updates} updates. Held-out charts, on the way:`)
let before
const { status, step } = await train({
  folder,
  solver: role,
  proposer: role,
  load: { device: 'cpu', threads },
  data: { root: charts, seed },
  evolve: { seed, totalSteps: updates, ...recipe },
  config: { seed, total_steps: updates, ...recipe, lora: role.lora },
  identity: { seed, recipe, lora: role.lora }, // a run goes on only with the settings that it began with
  probe: { every: 50, run: examine },
  trackers: [line],
  signal: interrupt.signal,
  onStart: (run) => {
    before = run.probe
    console.log(`${'after update'.padStart(11)}${measures.map((name) => name.padStart(15)).join('')}`)
    showExamination(0, before)
    if (run.startStep > 0) console.log(`Going on from update ${run.startStep}.`)
  },
  onRecord: (record) => {
    if (record.probe !== null) showExamination(record.step, record.probe)
  },
}).catch((error) => {
  if (!(error instanceof EvolmmError)) throw error
  console.error(error.message)
  process.exit(1)
})
