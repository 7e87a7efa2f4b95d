/**
 * Writes `step_NNNNN`: the folders of a method, its tensors and its state. All of it is written aside and synced, then
 * renamed, so a kill at any moment leaves the older checkpoints and nothing that looks like one.
 */
import { randomBytes } from 'node:crypto'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { jsonText } from '@evolmm/internal'
import { isThere, publishFolder, writeSynced } from '@evolmm/internal/node'
import { writeSafetensors } from '@evolmm/safetensors'
import { checkpointName, marker } from './find-checkpoints'
import { schemaVersion, stateFile, tensorFile, type CheckpointHead, type SavedState } from './state'

export interface SaveCheckpointOptions extends Pick<CheckpointHead, 'step' | 'identity'> {
  /** The folder of the run. */
  folder: string
  state: SavedState
}

/** Returns the new folder. Throws `UNWRITABLE_FILE`, or `WOULD_OVERWRITE` if there is a complete one of that step. */
export async function saveCheckpoint(options: SaveCheckpointOptions): Promise<string> {
  const { step, identity, state } = options
  const folder = join(options.folder, checkpointName(step))
  await moveUnfinished(folder)
  await publishFolder(folder, { marker }, async (aside) => {
    for (const [name, write] of Object.entries(state.folders ?? {})) await write(join(aside, name))
    await writeSafetensors(
      join(aside, tensorFile),
      Object.entries(state.tensors).map(([name, values]) => ({ name, shape: [values.length], values })),
    )
    const head = { schema_version: schemaVersion, step, saved: new Date().toISOString(), identity }
    await writeSynced(join(aside, stateFile), jsonText({ ...head, ...state.data }))
    await writeSynced(join(aside, marker), '')
  })
  return folder
}

/** A folder of that name without the marker is somebody's: it makes way, whole. */
async function moveUnfinished(folder: string): Promise<void> {
  if ((await isThere(folder)) && !(await isThere(join(folder, marker))))
    await rename(folder, `${folder}.unfinished-${randomBytes(4).toString('hex')}`)
}
