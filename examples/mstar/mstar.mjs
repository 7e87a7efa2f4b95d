/**
 * A vision-language model learns to reason from its own rationales: pnpm mstar:example [--seed=1 --steps=64]
 *
 * The model is tiny (1.5 million parameters) and answers questions about charts at once, often wrong. M-STaR makes it write
 * down steps first, learns what such steps are worth, and lets it learn from the best of its own answers, again and again.
 *
 * Ctrl-C saves, and the same command goes on from there. Parts that are finished are not run again.
 */
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { EvolmmError, mstar, prm } from '@evolmm/mstar'
import { writeReport } from '@evolmm/report'
import { statusLine } from '@evolmm/runs'
import { stepSets } from '@evolmm/tiny-world'
import { examine } from './examine.mjs'
import { checkpoint, cycles, improve, learnReward, reward, warmUp, warmup, writeQuestions } from './parts.mjs'

const defaults = {
  seed: 1,
  steps: cycles.total_steps, // of the optimizer, in the cycles
  warmup_steps: warmup.total_steps,
  reward_steps: reward.total_steps,
  charts: 240, // to learn from, with two questions each
  watched: 20, // after each cycle
  held_out: 60, // to be examined on, as many again out of domain
  output_dir: 'runs/mstar',
}
const flags = readFlags(process.argv.slice(2))
const home = resolve(flags.output_dir, `seed-${flags.seed}`)

function readFlags(args) {
  const known = Object.entries(defaults).map(([name, value]) => `--${name}=${value}`)
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' }]))
  try {
    const given = Object.entries(parseArgs({ args, options }).values)
    const read = ([name, text]) => [name, name === 'output_dir' ? text : wholeNumber(name, text)]
    return { ...defaults, ...Object.fromEntries(given.map(read)) }
  } catch (error) {
    console.error(`${error.message.split('. ')[0]}; flags and their defaults: ${known.join(' ')}`)
    return process.exit(1)
  }
}

function wholeNumber(name, text) {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new Error(`--${name}: must be a whole number from 1 to 99999, got ${text}`)
}

// 1. Questions about charts that are drawn from seeds: what is learned from, what is watched, and two examinations.
const sizes = { train: flags.charts, unlabelled: 0, validation: flags.watched, test: flags.held_out }
const files = await writeQuestions(join(home, 'charts'), sizes)
const { train, test, other } = stepSets(sizes)
console.log(`${train.length} questions to learn from, ${test.length} of the same kinds to be examined on,`)
console.log(`and ${other.length} of other kinds or about other charts.`)

// 2. The parts, one after the other. Each is a run in a folder of its own.
const line = statusLine({ output: process.stdout })
const interrupt = new AbortController()
process.once('SIGINT', () => {
  line.clear()
  console.log('Saving, after what is under way. Ctrl-C once more stops at once.')
  interrupt.abort()
})
const common = { seed: flags.seed, data: files.train, trackers: [line], signal: interrupt.signal }

async function part(title, name, run, given) {
  line.clear()
  console.log(title)
  const outcome = await run({ ...common, ...given, folder: join(home, name) }).catch((error) => {
    // Ours say what to do about it.
    if (!(error instanceof EvolmmError)) throw error
    console.error(error.message)
    process.exit(1)
  })
  if (outcome.status !== 'stopped') return outcome
  console.log('Stopped; the same command goes on from there.')
  return process.exit(130)
}

const warm = await part('Warm-up: rationales for answers that are told ...', 'warm-up', warmUp, {
  total_steps: flags.warmup_steps,
})
const scorer = await part('Reward model: what is a step worth? ...', 'reward', learnReward, {
  model: warm.model,
  total_steps: flags.reward_steps,
})
const evolved = await part('Cycles: generate, keep the best two, learn them ...', 'cycles', improve, {
  ...cycles,
  model: warm.model,
  reward_model: scorer.model,
  validation: files.validation,
  total_steps: flags.steps,
  ...{ interval: 0.25, selection: 'top-k', select_k: 2 },
})

// 3. What came out.
line.clear()
const stages = { start: checkpoint, 'warm-up': warm.model, 'M-STaR': evolved.model }
const shown = ['greedy', 'sampled', 'proven', 'bare']
const row = (name, cells) => `${name.padEnd(24)}${cells.map((cell) => cell.padStart(9)).join('')}`
console.log(`\n${row('per cent', shown)}`)
for (const [name, model] of Object.entries(stages)) {
  const found = await examine(model, { test, other }, { seed: flags.seed })
  const percent = (set) => shown.map((measure) => (100 * found[set][measure]).toFixed(1))
  console.log(row(name, percent('test')))
  console.log(row(`${name}, out of domain`, percent('other')))
}
const pages = [
  await writeReport({ folder: join(home, 'reward/prm'), kind: prm }),
  await writeReport({ folder: join(home, 'cycles'), kind: mstar }),
]
const auc = (value) => value?.toFixed(2) ?? 'nothing to tell'
console.log(`
greedy    answers without chance in them that are right
sampled   drawn answers that are right
proven    drawn answers all of whose steps are true, which only this world knows
bare      drawn answers without a step before them

The reward model on answers that it has not learned: AUC of steps ${auc(scorer.report.stepAuc)}, of answers ${auc(scorer.report.answerAuc)}.
Reports   ${pages.join('\n          ')}`)
