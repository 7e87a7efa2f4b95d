/**
 * The parts of MathV360K that M-STaR takes, as JSON lines beside its list: node split-mathv360k.mjs MathV360K
 *
 * 180,000 questions with labels, 250 for validation, 750 for a test, and the rest, whose labels nobody looks at. All questions
 * about an image are in one part. The order of rows is that of the list, and the same seed gives the same parts.
 */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { openRows, splitByImage } from '@evolmm/dataset'

/** In the paper's sizes; small parts come first, so that there is room for them. */
export const published = { validation: 250, test: 750, labelled: 180_000 }

/** @param {{ folder: string, sizes?: typeof published, seed?: number }} options */
export async function splitMathV360K({ folder, sizes = published, seed = 42 }) {
  const rows = await openRows({ file: join(folder, 'train_samples_all_tuned.json') })
  try {
    const images = []
    for await (const { image } of rows.read(0, rows.length)) images.push(String(image))
    const { rest: unlabelled, ...parts } = splitByImage(images, { sizes, seed })
    /** @type {Map<number, import('node:fs').WriteStream>} */
    const outputs = new Map()
    const files = Object.entries({ ...parts, unlabelled }).map(([name, places]) => {
      const output = createWriteStream(join(folder, `${name}.jsonl`))
      for (const place of places) outputs.set(place, output)
      return { name, count: places.length, output }
    })
    let place = 0
    for await (const row of rows.read(0, rows.length)) outputs.get(place++)?.write(`${JSON.stringify(row)}\n`)
    for (const { output } of files) {
      output.end()
      await finished(output)
    }
    return Object.fromEntries(files.map(({ name, count }) => [name, count]))
  } finally {
    await rows.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(await splitMathV360K({ folder: process.argv[2] ?? 'MathV360K' }))
