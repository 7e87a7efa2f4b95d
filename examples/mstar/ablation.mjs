/**
 * Does M-STaR work? Runs the conditions of `ablation/conditions.mjs` and prints the tables of docs/results.md:
 *   pnpm mstar:ablation [--experiment=NAME] [--seeds=5] [--only=NAME,NAME] [--jobs=1]
 *   pnpm mstar:ablation --tables
 *
 * Experiments, in the order of importance: variants, selection, verifier, unlabelled, temperatures.
 *
 * Each run is a process of its own on one thread and becomes a line of `results/EXPERIMENT.jsonl`; a run that is there
 * already is not repeated, and one that was interrupted goes on from its latest checkpoint. `--tables` runs nothing.
 */
import { parseArgs } from 'node:util'
import { runInChild } from '../shared/run-in-child.mjs'
import { storedRuns } from '../shared/stored-runs.mjs'
import { experiments, plannedRuns } from './ablation/conditions.mjs'
import { runCondition } from './ablation/run-condition.mjs'
import { tables } from './ablation/tables.mjs'

const stored = storedRuns(new URL('./results/', import.meta.url))
const { values: given } = parseArgs({
  options: {
    experiment: { type: 'string', default: 'variants' },
    seeds: { type: 'string', default: '5' },
    only: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    tables: { type: 'boolean', default: false },
    /** The run of a child process. */
    run: { type: 'string' },
  },
})

if (given.run !== undefined) {
  process.send(await runCondition(JSON.parse(given.run)))
  process.disconnect()
} else {
  if (!given.tables) await runAll(given)
  const all = {}
  for (const name of Object.keys(experiments)) all[name] = await stored.read(name)
  for (const [name, table] of Object.entries(tables(all))) console.log(`${name}\n\n${table}\n`)
}

async function runAll({ experiment, seeds, only, jobs }) {
  const done = await stored.read(experiment)
  const waiting = plannedRuns({ experiment, seeds: Number(seeds), only: only?.split(',') }).filter(
    (run) => !done.some((other) => isSame(other, run)),
  )
  const work = async () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      const result = await runInChild(run)
      await stored.add(experiment, result)
      console.log(`${run.condition} ${run.seed}, ${result.seconds} s`)
    }
  }
  await Promise.all(Array.from({ length: Number(jobs) }, work))
}

function isSame(stored, { condition, seed, settings }) {
  return (
    stored.condition === condition &&
    stored.seed === seed &&
    JSON.stringify(stored.settings) === JSON.stringify(settings)
  )
}
