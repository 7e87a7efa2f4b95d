/**
 * A vision-language model improves itself from pictures alone: npm run quickstart [-- --seed=1 --updates=200]
 *
 * The model is tiny (1.4 million parameters) and half taught: it often knows what a chart shows, but is unsure of itself,
 * and asked five times it gives different answers. Here it looks at new charts, asks itself questions about them, answers
 * each five times, and is rewarded for answers that agree. Nobody tells it which of them are right.
 *
 * Ctrl-C saves, and the same command goes on from there. A run that is finished is not run again: its result is shown.
 */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeReport } from '@evolmm/report'
import { readLog, statusLine } from '@evolmm/runs'
import {
  labelledPairs,
  measureAccuracy,
  proposerPrompt,
  splitChart,
  summarizeAccuracy,
  writeCharts,
} from '@evolmm/tiny-world'
import { EvolmmError, evolmm, train } from '@evolmm/trainer'

const defaults = {
  updates: '200',
  seed: '1',
  charts: '1000', // to learn from
  held_out: '300', // to be examined on
  threads: '1', // of one operation; the model is so small that more are no faster
  output_dir: 'runs',
}
const flags = readFlags(process.argv.slice(2))
const [updates, seed, threads] = ['updates', 'seed', 'threads'].map(wholeNumber)
const [pictures, heldOutCharts] = ['charts', 'held_out'].map(wholeNumber)

function readFlags(args) {
  const names = Object.entries(defaults).map(([name, value]) => `--${name}=${value}`)
  const known = `flags and their defaults: npm run quickstart -- ${names.join(' ')}`
  // npm keeps flags that stand before the -- for itself.
  const lost = Object.keys(defaults).find((name) => `npm_config_${name}` in process.env)
  if (lost !== undefined) fail(`--${lost}: must stand behind --, got it before that; ${known}`)
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' }]))
  try {
    const { help, ...given } = parseArgs({ args, options: { ...options, help: { type: 'boolean' } } }).values
    if (!help) return { ...defaults, ...given }
  } catch (error) {
    fail(`${error.message.split('. ')[0]}; ${known}`)
  }
  console.log(known)
  process.exit(0)
}

function wholeNumber(name) {
  if (/^[1-9]\d{0,5}$/.test(flags[name])) return Number(flags[name])
  return fail(`--${name}: must be a whole number from 1 to 999999, got ${flags[name]}; pass such a value`)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}

// 1. Pictures. Each is drawn from a seed, so every machine has the same. No word about them is written anywhere.
console.log(`Drawing ${pictures} charts ...`)
const charts = resolve(flags.output_dir, `quickstart-charts-${pictures}`)
const drawn = Array.from({ length: pictures }, (_, i) => splitChart('evolve', i))
await writeCharts(charts, drawn)

// 2. An examination, on other charts. This is the only place with labels, and nothing is learned from it.
const heldOut = labelledPairs({ split: 'test', charts: heldOutCharts })
const measures = ['sampled', 'greedy', 'agreement']
let before
async function examine({ vlm, adapter }) {
  if (before === undefined)
    console.log(`Examining it on ${heldOut.length} questions about charts that it never learns from ...`)
  const { all } = summarizeAccuracy(await measureAccuracy(vlm, { adapter, pairs: heldOut }))
  // The report draws an interval where a number has a `_low` and a `_high` beside it.
  const numbers = measures.flatMap((name) => {
    const { mean, margin } = all[name]
    const [low, high] = [Math.max(0, mean - margin), Math.min(1, mean + margin)]
    return Object.entries({ [name]: mean, [`${name}_low`]: low, [`${name}_high`]: high })
  })
  return { questions: all.count, ...Object.fromEntries(numbers) }
}

// 3. The model, and how it learns. Both roles are LoRA adapters on one checkpoint; the one that asks stays as it is.
const model = {
  solver_model: fileURLToPath(new URL('../../packages/tiny-world/checkpoint', import.meta.url)),
  use_lora_solver: true,
  use_lora_proposer: true,
  lora_r: 16,
  lora_dropout: 0,
  lora_targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
}
const recipe = {
  batch_size: 8, // charts in an update, with one question each
  num_solver_samples: 5, // answers to a question
  reward: 'continuous', // how many of the others agree, to the power of 0.7
  baseline: 'leave-one-out', // an answer is compared with the other four
  kl_control: 'fixed',
  kl_coef: 0.1, // what it costs to move away from the model it was
  lr: 3e-4,
  warmup_steps: Math.min(10, updates - 1),
  proposer_update_freq: 0,
  proposer_prompt: proposerPrompt,
  solver_prompt: '{question}',
  max_new_tokens_proposer: 32,
  max_new_tokens_solver: 16,
}

// 4. The run. All of it is in one folder: the log of every update, checkpoints, and the report.
const line = statusLine({ output: process.stdout })
const interrupt = new AbortController()
process.once('SIGINT', () => {
  line.clear()
  console.log('Saving, after what is under way. Ctrl-C once more stops at once.')
  interrupt.abort()
})
const { folder, status, step } = await train({
  output_dir: resolve(flags.output_dir),
  run_name: `quickstart-seed-${seed}`,
  data_dir: charts,
  reshuffle: true,
  device: 'cpu',
  threads,
  seed,
  total_steps: updates,
  tensorboard: false,
  ...model,
  ...recipe,
  // A run goes on only with the settings that it began with, and these.
  depends: { charts: pictures, held_out: heldOutCharts },
  probe: { every: 50, run: examine },
  trackers: [line, { name: 'examination', start: showBeginning }],
  signal: interrupt.signal,
  onRecord: (record) => {
    if (record.probe !== null) showExamination(`update ${record.step}`, record.probe)
  },
}).catch((error) => {
  // Ours say what to do about it.
  if (!(error instanceof EvolmmError)) throw error
  fail(
    error.code === 'OTHER_CONFIGURATION'
      ? `${error.message}: --seed=${seed + 1}, or another --output_dir`
      : error.message,
  )
})

function showBeginning({ probe, startStep }) {
  before = probe
  console.log(`${''.padEnd(12)}${measures.map((name) => name.padStart(14)).join('')}`)
  showExamination('before', before)
  if (startStep > 0) console.log(`${startStep} updates were done before.`)
}

function showExamination(when, numbers) {
  line.clear()
  console.log(`${when.padEnd(12)}${measures.map((name) => percent(numbers, name).padStart(14)).join('')}`)
}

/** The mean with half of its 95 % interval. */
function percent(numbers, name) {
  const mean = numbers[name]
  const half = Math.max(numbers[`${name}_high`] - mean, mean - numbers[`${name}_low`])
  return `${(100 * mean).toFixed(1)} ± ${(100 * half).toFixed(1)}`
}

// 5. What came out.
if (status === 'stopped') {
  console.log(`Stopped after update ${step}; the same command goes on from there.`)
  process.exit(130)
}
let after = before
for await (const { probe } of readLog(folder, evolmm)) after = probe ?? after
const report = await writeReport({ folder, kind: evolmm })
console.log(`
In per cent, ± half of the 95 % interval; ${after.questions} questions about ${heldOutCharts} charts, before and after ${step} updates
                          before        after
sampled accuracy  ${percent(before, 'sampled').padStart(14)}${percent(after, 'sampled').padStart(13)}  right, of answers drawn at temperature 1
greedy accuracy   ${percent(before, 'greedy').padStart(14)}${percent(after, 'greedy').padStart(13)}  right, of answers without any chance in them
agreement         ${percent(before, 'agreement').padStart(14)}${percent(after, 'agreement').padStart(13)}  share of the most frequent of 5 drawn answers

Agreement was all that it was rewarded for, without a label: answers become consistent. Drawn answers come closer to the
greedy one, and are right more often where that one is right. Nothing new is learned: greedy accuracy does not rise, and
usually loses a few points.

Report     ${report}
Again      npm run quickstart -- --seed=${seed + 1}     (this run is finished; its folder is ${folder})
Next       README.md#your-own-pictures, README.md#evaluate`)
