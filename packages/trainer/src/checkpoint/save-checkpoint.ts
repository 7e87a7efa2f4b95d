/**
 * Writes `step_NNNNN`: both roles as folders that other tools load, the state and the moments. All of it is written
 * aside and synced, then renamed, so a kill at any moment leaves the older checkpoints and nothing that looks like one.
 */
import { randomBytes } from 'node:crypto'
import { rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetState } from '@evolmm/dataset'
import { publishFolder, writeSynced } from '@evolmm/internal/node'
import { writeSafetensors } from '@evolmm/safetensors'
import type { SaveOptions, Vlm } from '@evolmm/vlm'
import type { RoleState, TrainerState } from '../state'
import { checkpointName, marker } from './find-checkpoints'
import { schemaVersion, type RoleStateFile, type TrainerStateFile } from './trainer-state-file'

export interface SaveCheckpointOptions {
  /** Of the run. */
  folder: string
  state: TrainerState
  models: Record<'solver' | 'proposer', { vlm: Pick<Vlm, 'saveAdapter' | 'saveMerged'>; name: string }>
  dataset: DatasetState
  identity: Readonly<Record<string, unknown>>
  /** Names of modules in the adapters' files. @default 'current' */
  adapterLayout?: SaveOptions['layout']
}

/** Returns the new folder. Throws `UNWRITABLE_FILE`, or `WOULD_OVERWRITE` if there is a complete one of that step. */
export async function saveCheckpoint(options: SaveCheckpointOptions): Promise<string> {
  const { state } = options
  const folder = join(options.folder, checkpointName(state.step))
  await moveUnfinished(folder)
  await publishFolder(folder, { marker }, async (aside) => {
    for (const role of ['solver', 'proposer'] as const) await saveRole(join(aside, role), role, options)
    await writeSafetensors(join(aside, 'optimizer.safetensors'), [
      ...moments('solver', state.solver),
      ...moments('proposer', state.proposer),
    ])
    await writeSynced(join(aside, 'trainer_state.json'), json(stateFile(options)))
    await writeSynced(join(aside, marker), '')
  })
  return folder
}

async function saveRole(
  folder: string,
  role: 'solver' | 'proposer',
  options: SaveCheckpointOptions,
): Promise<void> {
  const { adapter, updates } = options.state[role]
  const { vlm, name } = options.models[role]
  const kind = kindOf(options.state[role])
  if (kind === 'full') await vlm.saveMerged(folder, adapter, { dtype: 'float32' })
  else
    await vlm.saveAdapter(folder, adapter, {
      layout: options.adapterLayout ?? 'current',
      withProcessor: true,
    })
  const meta = {
    model_name: name,
    is_lora: kind === 'lora',
    adapter_names: kind === 'lora' ? ['default'] : [],
    dtype: 'float32',
    role,
    step: options.state.step,
    updates,
    time: new Date().toISOString(),
  }
  await writeSynced(join(folder, 'checkpoint_meta.json'), json(meta))
}

function moments(role: string, { optimizer }: RoleState) {
  if (optimizer === null) return []
  return (['first', 'second'] as const).map((name) => ({
    name: `${role}.${name}`,
    shape: [optimizer[name].length],
    values: optimizer[name],
  }))
}

function stateFile({ state, identity, dataset }: SaveCheckpointOptions): TrainerStateFile {
  const role = (of: RoleState): RoleStateFile => ({
    kind: kindOf(of),
    baseline: of.baseline,
    kl: of.kl,
    updates: of.updates,
    optimizer_step: of.optimizer?.step ?? 0,
  })
  return {
    schema_version: schemaVersion,
    step: state.step,
    saved: new Date().toISOString(),
    identity,
    solver: role(state.solver),
    proposer: role(state.proposer),
    watch: state.watch,
    dataset,
  }
}

function kindOf({ adapter }: RoleState): 'lora' | 'full' {
  return adapter.trainable.full.size > 0 ? 'full' : 'lora'
}

/** A folder of that name without the marker is somebody's: it makes way, whole. */
async function moveUnfinished(folder: string): Promise<void> {
  const there = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined
  if ((await there(folder)) && !(await there(join(folder, marker))))
    await rename(folder, `${folder}.unfinished-${randomBytes(4).toString('hex')}`)
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
