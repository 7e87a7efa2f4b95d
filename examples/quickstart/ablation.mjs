/**
 * Does the method work? Runs the conditions of `ablation/conditions.mjs` and prints the tables of docs/results.md:
 *   pnpm ablation [--experiment=main|tune|long|reading|update] [--seeds=5] [--updates=300] [--only=NAME,NAME] [--jobs=2] [--records=FOLDER]
 *   pnpm ablation --tables
 *
 * Each run is a process of its own on one thread and becomes a line of `results/EXPERIMENT.jsonl`; a run that is there
 * already is not repeated. `--tables` runs nothing. `--records` keeps every iteration, a megabyte a run,
 * and where each run ended: with more `--updates` it goes on from there.
 */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { splitChart, writeCharts } from '@evolmm/tiny-world'
import { runInChild } from '../shared/run-in-child.mjs'
import { storedRuns } from '../shared/stored-runs.mjs'
import { plannedRuns } from './ablation/conditions.mjs'
import { covers } from './ablation/covers.mjs'
import { runCondition } from './ablation/run-condition.mjs'
import { tables } from './ablation/tables.mjs'

const stored = storedRuns(new URL('./results/', import.meta.url))
const { values: given } = parseArgs({
  options: {
    experiment: { type: 'string', default: 'main' },
    seeds: { type: 'string', default: '5' },
    updates: { type: 'string', default: '300' },
    only: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    records: { type: 'string' },
    tables: { type: 'boolean', default: false },
    /** The run of a child process. */
    run: { type: 'string' },
  },
})

if (given.run !== undefined) {
  const result = await runCondition(JSON.parse(given.run))
  process.send(result)
  process.disconnect()
} else {
  if (!given.tables) await runAll()
  for (const [name, table] of Object.entries(tables(await readAll()))) console.log(`${name}\n\n${table}\n`)
}

async function readAll() {
  const names = ['main', 'tune', 'long', 'reading', 'update']
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await stored.read(name)])))
}

async function runAll() {
  const { experiment, records } = given
  const done = await stored.read(experiment)
  const waiting = plannedRuns({
    experiment,
    seeds: Number(given.seeds),
    updates: Number(given.updates),
    only: given.only?.split(','),
  }).filter((run) => !done.some((other) => covers(other, run)))
  const charts = join(tmpdir(), 'evolmm-ablation-charts')
  if (!existsSync(charts))
    await writeCharts(
      charts,
      Array.from({ length: 2000 }, (_, i) => splitChart('evolve', i)),
    )
  if (records !== undefined) await mkdir(records, { recursive: true })
  const work = async () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      const name = `${run.condition} ${run.seed}`
      const file = records && join(records, `${experiment} ${name}.jsonl`)
      const result = await runInChild({ ...run, charts, records: file })
      await stored.add(experiment, result)
      const percent = result.accuracy.map(
        ({ step, all }) => `${step}: ${all.map((v) => (100 * v).toFixed(1)).join(' ')}`,
      )
      console.log(`${name}, ${result.seconds} s; ${percent.join('; ')}`)
    }
  }
  await Promise.all(Array.from({ length: Number(given.jobs) }, work))
}
