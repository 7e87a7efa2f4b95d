/** Keeps the folder of a run small. Call it while holding the run's lock. */
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '@evolmm/internal/node'
import { checkpointName, findCheckpoints } from './find-checkpoints'

/** Removes complete checkpoints beyond the latest `keep`. */
export async function retainCheckpoints(runFolder: string, keep: number): Promise<void> {
  const complete = (await findCheckpoints(runFolder)).filter((each) => each.complete)
  for (const { folder, step } of complete.slice(0, Math.max(0, complete.length - keep))) {
    // Under another name first: one that is half gone must not look complete.
    const leaving = join(runFolder, `.${checkpointName(step)}.removed.tmp`)
    await rm(leaving, { recursive: true, force: true })
    await rename(folder, leaving)
    // A loss of power may undo a name that was not synced, and not what was removed under it.
    await syncFolder(runFolder)
    await rm(leaving, { recursive: true, force: true })
  }
}
