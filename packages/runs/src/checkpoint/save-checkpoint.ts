/**
 * Writes `step_NNNNN`: the folders of a method, its tensors and its state. All of it is written aside and synced, then
 * renamed, so a kill at any moment leaves the older checkpoints and nothing that looks like one.
 */
import { randomBytes } from 'node:crypto'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { checkNames, checkObject, checkText, findNotFinite, jsonText } from '@evolmm/internal'
import { isThere, publishFolder, writeSynced } from '@evolmm/internal/node'
import { writeSafetensors } from '@evolmm/safetensors'
import { EvolmmError } from '../errors'
import { checkpointName, marker } from './find-checkpoints'
import { schemaVersion, stateFile, tensorFile, type CheckpointHead, type SavedState } from './state'

export interface SaveCheckpointOptions extends Pick<CheckpointHead, 'step' | 'identity'> {
  /** The folder of the run. */
  folder: string
  state: SavedState
}

/**
 * Returns the new folder. Throws `UNWRITABLE_FILE`, `WOULD_OVERWRITE` if there is a complete one of that step, or
 * `NOT_FINITE` before anything is written: a state with a number that is none would be gone on from, and replace a good one.
 */
export async function saveCheckpoint(options: SaveCheckpointOptions): Promise<string> {
  checkNames('saveCheckpoint', options, { folder: true, step: true, identity: true, state: true })
  checkText('folder', options.folder)
  checkObject('state', options.state)
  const { step, identity, state } = options
  checkFinite(step, state)
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

function checkFinite(step: number, { data, tensors }: SavedState): void {
  const place =
    notFiniteIn(data) ?? Object.entries(tensors).find(([, values]) => findNotFinite(values) !== -1)?.[0]
  if (place === undefined) return
  throw new EvolmmError(
    'NOT_FINITE',
    `checkpoint of step ${step}: must hold finite numbers alone, got another one in ${place}; go on from the checkpoint before it, with a lower learning rate`,
    { details: { step, place } },
  )
}

/** The path of names to a number in a value that is not finite; `undefined` without one. */
function notFiniteIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, each] of Object.entries(value)) {
    if (typeof each === 'number' && !Number.isFinite(each)) return name
    const inner = notFiniteIn(each)
    if (inner !== undefined) return `${name}.${inner}`
  }
  return undefined
}
