/** Finished runs, one JSON line each in `results/EXPERIMENT.jsonl`. */
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export async function readResults(experiment) {
  const file = fileOf(experiment)
  if (!existsSync(file)) return []
  return (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

let writing = Promise.resolve()

/** One after the other, and whole or not at all. */
export function addResult(experiment, result) {
  writing = writing.then(async () => {
    const file = fileOf(experiment)
    const others = (await readResults(experiment)).filter(
      ({ condition, seed }) => condition !== result.condition || seed !== result.seed,
    )
    const lines = [...others, result].map((each) => JSON.stringify(each))
    await writeFile(`${file}.part`, `${lines.join('\n')}\n`)
    await rename(`${file}.part`, file)
  })
  return writing
}

/** A stored run covers a planned one if it is that one, or that one made longer. */
export function covers(stored, { condition, seed, settings }) {
  const rest = (run) => JSON.stringify({ ...run, updates: 0, measured: [] })
  return (
    stored.condition === condition &&
    stored.seed === seed &&
    rest(stored.settings) === rest(settings) &&
    settings.measured.every((step) => stored.settings.measured.includes(step))
  )
}

/** The folder of results, seen from the bundle in `examples/quickstart` or from beside this file. */
function fileOf(experiment) {
  const folder = import.meta.url.endsWith('/ablation/results.mjs') ? '../results/' : './results/'
  return fileURLToPath(new URL(`${folder}${experiment}.jsonl`, import.meta.url))
}
