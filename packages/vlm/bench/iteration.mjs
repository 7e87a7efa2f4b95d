/**
 * One EvoLMM iteration on a random model of 38 million parameters: pnpm bench:vlm [--rounds=2] [--iterations=6]
 *   [--images=1,8] [--reference=PYTHON] [--processor]
 *
 * For each of one or eight images of 768 patches a question is sampled and five distinct answers of exactly 48 tokens; the
 * answers give one gradient (exact KL included) and one AdamW step, once as it is and once with `checkpointed`. Beside each
 * phase stands its floor: operations at the product peak, weights' bytes at the bandwidth, both measured in the same
 * process. `--reference` is an interpreter with torch and transformers, `python3` for one: the published loop
 * (published_iteration.py) on one thread. Sides run in turn, each in a process of its own whose peak memory is watched; times
 * are medians over all iterations but the first of each process. `--processor` counts time of the processor, on one thread
 * of each side: for a machine that does other work too.
 */
import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadVlm } from '@evolmm/vlm'
import { keepYoungHeapSmall } from '../../cli/src/keep-young-heap-small.ts'
import { readBackbone } from '../src/backbones/open-backbone.ts'
import { productPeak, readingPeak } from './machine-peaks.mjs'
import { randomModel } from './random-model.mjs'
import { floors, operations, timeIterations, timeScores } from './recipe.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    iterations: { type: 'string', default: '6' },
    images: { type: 'string', default: '1,8' },
    reference: { type: 'string' },
    processor: { type: 'boolean', default: false },
    checkpointed: { type: 'boolean', default: false },
    /** The random model, for the process that is measured. */
    ours: { type: 'string' },
  },
})
// The bundle of this file lies beside both.
const shapeFile = fileURLToPath(new URL('./bench-small.json', import.meta.url))
const published = fileURLToPath(new URL('./published_iteration.py', import.meta.url))
const shape = JSON.parse(readFileSync(shapeFile, 'utf8'))
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

if (options.ours !== undefined) await ours(options.ours)
else await compare()

async function compare() {
  const { folder: model } = await randomModel(shape)
  try {
    for (const images of options.images.split(',').map(Number)) await report(model, images)
  } finally {
    rmSync(model, { recursive: true })
  }
}

async function report(model, images) {
  const flags = [`--images=${images}`, ...(options.processor ? ['--processor'] : [])]
  const iterations = Math.max(2, Math.round(Number(options.iterations) / images))
  const own = [fileURLToPath(import.meta.url), `--ours=${model}`, `--iterations=${iterations}`, ...flags]
  const theirs = [
    published,
    shapeFile,
    images > 1 ? '1' : '2',
    'cpu',
    'float32',
    `${images}`,
    ...flags.slice(1),
  ]
  const sides = {
    evolmm: () => run(process.execPath, own),
    checkpointed: () => run(process.execPath, [...own, '--checkpointed']),
    ...(options.reference !== undefined && { published: () => run(options.reference, theirs) }),
  }
  const results = Object.fromEntries(Object.keys(sides).map((side) => [side, []]))
  for (let round = 0; round < Number(options.rounds); round++)
    for (const [side, measure] of Object.entries(sides)) results[side].push(await measure())
  console.log(title(images, results))
  console.log(table(results))
  for (const side of Object.keys(results).slice(0, 2)) console.log(summary(side, results))
}

function title(images, { evolmm }) {
  const of = (key) => Math.max(...evolmm.map((result) => result[key]))
  const clock = options.processor ? 'milliseconds of the processor, one thread' : 'milliseconds'
  const peaks = `${of('peak').toFixed(0)} GFLOP/s, ${of('bandwidth').toFixed(1)} GB/s`
  return `${images} ${images === 1 ? 'image' : 'images'}, ${clock}; the machine at its best: ${peaks}`
}

/** Milliseconds of each phase: ours, its floor and how far above it we are, the same checkpointed, the published loop's. */
function table({ evolmm, checkpointed, published: other = [] }) {
  const time = (side, phase) => median(side.flatMap(({ rows }) => rows.map((row) => row[phase])))
  const floor = (phase) => median(evolmm.map((result) => result.floors[phase]))
  const whole = (value) => (Number.isNaN(value ?? NaN) ? '' : value.toFixed(0))
  const head = ['', 'evolmm', 'floor', 'above it', 'checkpointed', 'published']
  const lines = Object.keys(evolmm[0].floors).map((phase) => {
    const [mine, least] = [time(evolmm, phase), floor(phase)]
    const ratio = (mine / least).toFixed(2)
    return [
      phase,
      whole(mine),
      whole(least),
      ratio,
      whole(time(checkpointed, phase)),
      whole(time(other, phase)),
    ]
  })
  const updates = other.length === 0 ? [] : [['updates', '', '', '', '', whole(time(other, 'updates'))]]
  const memory = ['peak memory, MB', whole(memoryOf(evolmm)), '', '', whole(memoryOf(checkpointed))]
  const all = [head, ...lines, ...updates, [...memory, whole(memoryOf(other))]]
  return all
    .map(([first, ...rest]) => `  ${first.padEnd(22)}${rest.map((cell) => cell.padStart(14)).join('')}`)
    .join('\n')
}

function summary(side, results) {
  const total = (name) => median(results[name].flatMap(({ rows }) => rows.map((row) => row.total)))
  const { gradient, total: work } = results.evolmm[0].work
  const share = (100 * work) / 1e6 / total('evolmm') / Math.max(...results.evolmm.map(({ peak }) => peak))
  const own =
    side === 'evolmm'
      ? `${(gradient / 1e9).toFixed(1)} GFLOP of learning; products at ${share.toFixed(0)} % of the peak; `
      : ''
  if (results.published === undefined) return own
  const faster = (total('published') / total(side)).toFixed(1)
  const memory = (memoryOf(results[side]) / memoryOf(results.published)).toFixed(2)
  return `${side}: ${own}${faster}x as fast as the published loop, ${memory} of its memory`
}

function memoryOf(side) {
  return side.length === 0 ? NaN : Math.max(...side.map(({ memory }) => memory))
}

/** The JSON in the last line that a command prints, and the largest peak memory, in MB, of any process below it. */
function run(command, args) {
  return new Promise((settle, refuse) => {
    let memory = 0
    const env = { ...process.env, OMP_NUM_THREADS: '1' }
    const child = execFile(command, args, { maxBuffer: 1e8, env }, (error, output) => {
      clearInterval(timer)
      if (error) refuse(error)
      else settle({ memory, ...secondsToMilliseconds(JSON.parse(output.trim().split('\n').at(-1)), command) })
    })
    const watch = (pid) => {
      try {
        memory = Math.max(memory, peakMemory(pid))
        for (const below of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' '))
          if (below.trim() !== '') watch(below.trim())
      } catch {
        // It has ended.
      }
    }
    const timer = setInterval(() => watch(child.pid), 100)
  })
}

function peakMemory(pid) {
  const [, peak = 0] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(peak) / 1024
}

function secondsToMilliseconds(result, command) {
  if (command === process.execPath) return result
  const milliseconds = (row) => Object.fromEntries(Object.entries(row).map(([phase, s]) => [phase, 1000 * s]))
  return { ...result, rows: result.rows.map(milliseconds) }
}

/** What runs in the measured process. */
async function ours(folder) {
  // As the command does.
  keepYoungHeapSmall()
  const backbone = await readBackbone(folder)
  const used = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  const by = options.processor ? { now: used, threads: 1 } : { now: () => performance.now() }
  const [images, count] = [Number(options.images), Number(options.iterations)]
  const vlm = await loadVlm(folder, { ...(by.threads && { threads: by.threads }) })
  const timed = { shape, count, images, now: by.now }
  const { rows, parameters } = await timeIterations(vlm, { ...timed, checkpointed: options.checkpointed })
  // Neither the published loop nor its memory has what follows.
  const memory = peakMemory('self')
  for (const [i, score] of (await timeScores(vlm, timed)).entries()) rows[i].score = score
  await vlm.dispose()
  const machine = { peak: await productPeak(by), bandwidth: await readingPeak(by) }
  const least = floors(backbone, shape, { images, parameters, ...machine })
  const all = operations(backbone, shape)
  const work = { gradient: images * all.gradient, total: images * all.total }
  console.log(JSON.stringify({ rows, floors: least, work, memory, ...machine }))
}
