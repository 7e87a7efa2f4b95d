/** Reads a checkpoint back into the state that it was made of. Nothing in its folder is changed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import type { DatasetState } from '@evolmm/dataset'
import { readSafetensors, type LoadedTensor } from '@evolmm/safetensors'
import type { Adapter, Vlm } from '@evolmm/vlm'
import type { RoleState, TrainerState } from '../state'
import { compareIdentity } from './compare-identity'
import { parseTrainerState, type RoleStateFile, type TrainerStateFile } from './trainer-state-file'

export interface LoadCheckpointOptions {
  folder: string
  models: Record<'solver' | 'proposer', { vlm: Pick<Vlm, 'loadAdapter' | 'trainWeights'>; vision: boolean }>
  /** The settings of the run that goes on. */
  identity: Readonly<Record<string, unknown>>
}

/**
 * Throws `INVALID_CHECKPOINT`, `NEWER_CHECKPOINT`, `OTHER_CONFIGURATION` if a setting that counts has changed, or what
 * reading throws.
 */
export async function loadCheckpoint(
  options: LoadCheckpointOptions,
): Promise<{ state: TrainerState; dataset: DatasetState }> {
  const saved = await readTrainerState(options.folder)
  compareIdentity(options.folder, saved.identity, options.identity)
  const file = join(options.folder, 'optimizer.safetensors')
  const damaged = orGoOnEarlier(options.folder)
  const tensors = await readSafetensors(file).catch(damaged)
  const role = async (name: 'solver' | 'proposer'): Promise<RoleState> => {
    const { vlm, vision } = options.models[name]
    const folder = join(options.folder, name)
    const adapter = await (
      saved[name].kind === 'lora' ? vlm.loadAdapter(folder) : vlm.trainWeights({ folder, vision })
    ).catch(damaged)
    return roleState(adapter, saved[name], { file, name, tensors })
  }
  const { step, watch, dataset } = saved
  return { state: { step, solver: await role('solver'), proposer: await role('proposer'), watch }, dataset }
}

/** For `catch`: what is wrong with a file, and what can be done about the whole. */
function orGoOnEarlier(folder: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof EvolmmError)) throw error
    const { code, message, details } = error
    throw new EvolmmError(code, `${message}; or move ${folder} away to go on from an earlier checkpoint`, {
      details,
      cause: error,
    })
  }
}

/** The part of a checkpoint that is small. */
export async function readTrainerState(folder: string): Promise<TrainerStateFile> {
  const file = join(folder, 'trainer_state.json')
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new EvolmmError(
      'INVALID_CHECKPOINT',
      `${folder}: must be the folder of a checkpoint, with trainer_state.json, got ${String(cause)}; check the path`,
      { details: { folder }, cause },
    )
  })
  return parseTrainerState(text, file)
}

function roleState(
  adapter: Adapter,
  { baseline, kl, updates, optimizer_step: step }: RoleStateFile,
  { file, name, tensors }: { file: string; name: string; tensors: ReadonlyMap<string, LoadedTensor> },
): RoleState {
  const size = adapter.parameters.length
  const moment = (which: 'first' | 'second'): Float32Array => {
    const values = tensors.get(`${name}.${which}`)?.values
    if (values?.length === size) return values
    throw new EvolmmError(
      'INVALID_CHECKPOINT',
      `${file}: "${name}.${which}" must have the ${size} values of the ${name}'s parameters, got ${values?.length ?? 'no such tensor'}; resume from another checkpoint`,
      { details: { file, tensor: `${name}.${which}` } },
    )
  }
  // A state that was saved before any loop took it up.
  const neverStepped = step === 0 && !tensors.has(`${name}.first`)
  return {
    adapter,
    baseline,
    kl,
    updates,
    optimizer: neverStepped ? null : { step, first: moment('first'), second: moment('second') },
  }
}
