/** The checkpoints of a run, `step_00050` and so on. One without `SAVE_OK` was not finished and does not count. */
import { checkText } from '@evolmm/internal'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isThere } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'

export const marker = 'SAVE_OK'

export interface FoundCheckpoint {
  step: number
  folder: string
  complete: boolean
}

/** Oldest first; none if the folder of the run is not there. */
export async function findCheckpoints(runFolder: string): Promise<FoundCheckpoint[]> {
  checkText('folder', runFolder)
  const names = await readdir(runFolder).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new EvolmmError(
      'UNREADABLE_FILE',
      `${runFolder}: must be a folder that can be read, got ${String(cause)}; check the path and its rights`,
      { details: { folder: runFolder }, cause },
    )
  })
  const found: FoundCheckpoint[] = []
  for (const name of names) {
    const digits = /^step_(\d{5,})$/.exec(name)?.[1]
    if (digits === undefined) continue
    const folder = join(runFolder, name)
    const complete = await isThere(join(folder, marker))
    found.push({ step: Number(digits), folder, complete })
  }
  return found.sort((a, b) => a.step - b.step)
}

export function checkpointName(step: number): string {
  return `step_${String(step).padStart(5, '0')}`
}
