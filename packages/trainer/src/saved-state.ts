/**
 * The state of a run as a checkpoint holds it, and back: each role as a folder that other tools load, the moments of both
 * optimizers, and all that is small.
 */
import { checkNames, checkObject } from '@evolmm/internal'
import { join } from 'node:path'
import type { DatasetState } from '@evolmm/dataset'
import { writeSynced } from '@evolmm/internal/node'
import type { WatchState } from '@evolmm/rl-core'
import { invalidCheckpoint, orGoOnEarlier, tensorOf, type Checkpoint, type SavedState } from '@evolmm/runs'
import type { Adapter, SaveOptions, Vlm } from '@evolmm/vlm'
import { faultOf, type RoleData } from './check-saved'
import { perRoleInTurn, roles, type Role } from './role'
import type { RoleState, TrainerState } from './state'

/** The model of each role. */
export type Models = Record<Role, { vlm: Vlm; name: string; vision: boolean }>

export interface SaveStateOptions {
  models: Readonly<Record<Role, { vlm: Pick<Vlm, 'saveAdapter' | 'saveMerged'>; name: string }>>
  dataset: DatasetState
  /** The names of modules in the adapters' files. @default 'current' */
  adapterLayout?: SaveOptions['layout']
}

export function savedState(state: TrainerState, options: SaveStateOptions): SavedState {
  checkNames('savedState', options, { models: true, dataset: true, adapterLayout: true })
  checkObject('state', state)
  for (const role of roles) checkObject(`state.${role}`, state[role])
  return {
    data: {
      ...Object.fromEntries(roles.map((role) => [role, roleData(state[role])])),
      watch: state.watch,
      dataset: options.dataset,
    },
    tensors: Object.fromEntries(roles.flatMap((role) => moments(role, state[role]))),
    folders: Object.fromEntries(
      roles.map((role) => [role, (folder: string) => writeRole(folder, role, { state, ...options })]),
    ),
  }
}

export interface LoadStateOptions {
  models: Readonly<Record<Role, { vlm: Pick<Vlm, 'loadAdapter' | 'trainWeights'>; vision: boolean }>>
}

/** Throws `INVALID_CHECKPOINT`, or what reading an adapter throws. */
export async function loadedState(
  from: Checkpoint,
  options: LoadStateOptions,
): Promise<{ state: TrainerState; dataset: DatasetState }> {
  checkObject('from', from)
  checkObject('from.data', from.data)
  checkNames('loadedState', options, { models: true })
  const { models } = options
  const { watch, dataset } = checkedData(from)
  const role = async (name: Role): Promise<RoleState> => {
    const { vlm, vision } = models[name]
    const folder = join(from.folder, name)
    const data = from.data[name] as RoleData
    const adapter = await (
      data.kind === 'lora' ? vlm.loadAdapter(folder) : vlm.trainWeights({ folder, vision })
    ).catch(orGoOnEarlier(from.folder))
    return roleState(name, adapter, from)
  }
  return {
    state: { step: from.step, ...(await perRoleInTurn(role)), watch },
    dataset,
  }
}

/** The part that is small, before anything large is opened. */
export function checkedData(from: Checkpoint): { watch: WatchState; dataset: DatasetState } {
  const fault = faultOf(from.data)
  if (fault !== undefined) throw invalidCheckpoint(from, `have ${fault.rule} as its ${fault.name}`, fault.got)
  return from.data as { watch: WatchState; dataset: DatasetState } & Record<string, unknown>
}

function roleData({ adapter, baseline, kl, updates, optimizer }: RoleState): RoleData {
  return { kind: kindOf(adapter), baseline, kl, updates, optimizer_step: optimizer?.step ?? 0 }
}

function roleState(role: Role, adapter: Adapter, from: Checkpoint): RoleState {
  const { baseline, kl, updates, optimizer_step: step } = from.data[role] as RoleData
  const { length } = adapter.parameters
  // A state that was saved before any loop took it up.
  const neverStepped = step === 0 && !from.tensors.has(`${role}.first`)
  return {
    adapter,
    baseline,
    kl,
    updates,
    optimizer: neverStepped
      ? null
      : {
          step,
          first: tensorOf(from, `${role}.first`, { length }),
          second: tensorOf(from, `${role}.second`, { length, min: 0 }),
        },
  }
}

function moments(role: Role, { optimizer }: RoleState): [string, Float32Array][] {
  if (optimizer === null) return []
  return (['first', 'second'] as const).map((name) => [`${role}.${name}`, optimizer[name]])
}

async function writeRole(
  folder: string,
  role: Role,
  { state, models, adapterLayout = 'current' }: SaveStateOptions & { state: TrainerState },
): Promise<void> {
  const { adapter, updates } = state[role]
  const { vlm, name } = models[role]
  const isLora = kindOf(adapter) === 'lora'
  if (isLora) await vlm.saveAdapter(folder, adapter, { layout: adapterLayout, withProcessor: true })
  else await vlm.saveMerged(folder, adapter, { dtype: 'float32' })
  const meta = {
    model_name: name,
    is_lora: isLora,
    adapter_names: isLora ? ['default'] : [],
    dtype: 'float32',
    role,
    step: state.step,
    updates,
    time: new Date().toISOString(),
  }
  await writeSynced(join(folder, 'checkpoint_meta.json'), `${JSON.stringify(meta, null, 2)}\n`)
}

function kindOf({ trainable }: Adapter): 'lora' | 'full' {
  return trainable.full.size > 0 ? 'full' : 'lora'
}
