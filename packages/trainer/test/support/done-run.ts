/** A run of four iterations that is done, with checkpoints of the last two pairs. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { train } from '../../src/index'
import { makeImages } from './tiny-run'
import { tinyTrain } from './tiny-train'

export type DoneRun = Awaited<ReturnType<typeof doneRun>>

export async function doneRun() {
  const images = await makeImages(4)
  const home = await mkdtemp(join(tmpdir(), 'evolmm-train-'))
  const done = join(home, 'done')
  await train(tinyTrain(done, images.folder, { total_steps: 4 }))
  let copies = 0
  return {
    images,
    /** The folder that holds this run and all others of a file. */
    home,
    /** The folder of the run. */
    done,
    /** Copies the run to another name, to be gone on with or damaged. */
    copy: async () => {
      const folder = join(home, `copy-${copies++}`)
      await cp(done, folder, { recursive: true })
      return folder
    },
    remove: async () => {
      await images.remove()
      await rm(home, { recursive: true })
    },
  }
}
