/** Finished runs, one JSON line each in `EXPERIMENT.jsonl` of a folder. */
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** `folder`: a URL that ends with a slash. */
export function storedRuns(folder) {
  const fileOf = (experiment) => fileURLToPath(new URL(`${experiment}.jsonl`, folder))
  let writing = Promise.resolve()

  async function read(experiment) {
    const file = fileOf(experiment)
    if (!existsSync(file)) return []
    return (await readFile(file, 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  return {
    read,
    /** One after the other, and whole or not at all. A run takes the place of one of the same condition and seed. */
    add(experiment, result) {
      writing = writing.then(async () => {
        const file = fileOf(experiment)
        const others = (await read(experiment)).filter(
          ({ condition, seed }) => condition !== result.condition || seed !== result.seed,
        )
        const lines = [...others, result].map((each) => JSON.stringify(each))
        await writeFile(`${file}.part`, `${lines.join('\n')}\n`)
        await rename(`${file}.part`, file)
      })
      return writing
    },
  }
}
