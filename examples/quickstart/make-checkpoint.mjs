/**
 * Makes a checkpoint of the tiny world again, from random weights:
 *   pnpm make:checkpoint [--recipe=answer|reading|rationales] [--seed=1] [--folder=FOLDER] [--state=FOLDER]
 *
 * Ten minutes or more on one core. The result depends on the recipe, the seed and the threads alone, and is the same, bit
 * for bit, on one machine. Its accuracy on held-out charts is written beside it. With `--state` an interrupted run goes
 * on where it was.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  labelledPairs,
  makeCheckpoint,
  measureAccuracy,
  measureSteps,
  recipes,
  stepSets,
  summarizeAccuracy,
} from '@evolmm/tiny-world'
import { loadVlm, runtimeVersion } from '@evolmm/vlm'

const { values: given } = parseArgs({
  options: {
    recipe: { type: 'string', default: 'answer' },
    seed: { type: 'string', default: '1' },
    folder: { type: 'string' },
    state: { type: 'string' },
    threads: { type: 'string', default: '1' },
  },
})
const [seed, threads] = [Number(given.seed), Number(given.threads)]
const phases = recipes[given.recipe]
if (phases === undefined) throw new Error(`--recipe: must be one of ${Object.keys(recipes).join(', ')}`)
const place = given.recipe === 'answer' ? 'checkpoint' : `checkpoint-${given.recipe}`
const stored = (name) => fileURLToPath(new URL(`../../packages/tiny-world/${name}`, import.meta.url))
const folder = given.folder ?? stored(place)

const start = performance.now()
const seconds = () => `${((performance.now() - start) / 1000).toFixed(0)} s`
let losses = []
await makeCheckpoint({
  folder,
  seed,
  phases,
  from: given.recipe === 'rationales' ? stored('checkpoint') : undefined,
  threads,
  stateFolder: given.state,
  onStep: ({ step, loss }, phase) => {
    losses.push(loss)
    if (step % 50 !== 0) return
    const mean = losses.reduce((sum, each) => sum + each, 0) / losses.length
    losses = []
    console.log(
      `phase ${phase + 1}, step ${step} of ${phases[phase].steps}: loss ${mean.toFixed(3)}, ${seconds()}`,
    )
  },
})

const vlm = await loadVlm(folder, { threads })
const measured = given.recipe === 'rationales' ? await ofSteps(vlm) : await ofAnswers(vlm)
await vlm.dispose()
const { platform, arch } = process
const record = {
  command: `pnpm make:checkpoint --recipe=${given.recipe} --seed=${seed} --threads=${threads}`,
  phases,
  engine: { node: process.versions.node, onnxruntime: runtimeVersion(), platform, arch },
  ...measured,
}
await writeFile(join(folder, 'tiny-world.json'), `${JSON.stringify(record, null, 2)}\n`)
for (const [set, { all, kinds }] of Object.entries(measured)) {
  const names = Object.keys(all).filter((name) => name !== 'count')
  const percent = ({ mean, margin }) => `${(100 * mean).toFixed(1)} ± ${(100 * margin).toFixed(1)}`
  console.log(`${set.padEnd(10)} count${names.map((name) => name.padStart(16)).join('')}`)
  for (const [name, row] of [['all', all], ...Object.entries(kinds)])
    console.log(
      `${name.padEnd(10)} ${String(row.count).padStart(5)}${names.map((m) => percent(row[m]).padStart(16)).join('')}`,
    )
}
console.log(`${folder}, ${seconds()}`)

async function ofAnswers(model) {
  const pairs = labelledPairs({ split: 'test', charts: 300, questions: 4 })
  const sampledFrom = given.recipe === 'reading' ? 'samples' : 'score'
  const accuracy = summarizeAccuracy(await measureAccuracy(model, { pairs, sampledFrom }))
  return { test: { charts: 300, questionsPerChart: 4, sampledFrom, ...accuracy } }
}

/** In the domain and out of it. */
async function ofSteps(model) {
  const { test, other } = stepSets()
  const measure = async (asked) => summarizeAccuracy(await measureSteps(model, { asked }))
  return { test: await measure(test), other: await measure(other) }
}
