/**
 * Evaluates the sums of a folder, slowly, writing down each row that is asked for; killed by its parent. No batch after
 * `most` is answered: a parent that the machine keeps waiting must not find the run further on than it meant.
 */
import { appendFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileTask } from '../../src/file-task'
import { evaluate } from '../../src/run/evaluate'
import { fakeSampler } from './fake-sampler'

const [folder, outputPath, most] = process.argv.slice(2) as [string, string, string]
let batches = 0
await evaluate({
  tasks: ['first', 'second'].map((name) =>
    fileTask({ file: join(folder, 'sums.jsonl'), scorer: 'exact', name, instruction: name }),
  ),
  sampler: fakeSampler({
    onSample: async (requests) => {
      const asked = requests.map(({ prompt, images }) => {
        const row = basename(images[0] as string, '.png')
        return `${prompt.split('\n').at(-1)} ${row}\n`
      })
      appendFileSync(join(outputPath, 'asked.txt'), asked.join(''))
      process.stdout.write('.')
      await sleep(++batches > Number(most) ? 1e9 : 2)
    },
  }),
  batch_size: 3,
  output_path: outputPath,
})
