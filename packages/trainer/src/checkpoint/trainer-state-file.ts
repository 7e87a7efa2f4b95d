/** `trainer_state.json`: what a checkpoint holds besides weights and moments. */
import { EvolmmError, isObject, parseObject } from '@evolmm/internal'
import type { DatasetState } from '@evolmm/dataset'
import type { EmaState, KlState, WatchState } from '@evolmm/rl-core'

export const schemaVersion = 1

export interface TrainerStateFile {
  schema_version: number
  step: number
  /** ISO 8601. */
  saved: string
  /** The settings that what is learned depends on: a run goes on with the same ones. */
  identity: Readonly<Record<string, unknown>>
  solver: RoleStateFile
  proposer: RoleStateFile
  watch: WatchState
  dataset: DatasetState
}

export interface RoleStateFile {
  kind: 'lora' | 'full'
  baseline: EmaState | null
  kl: KlState | null
  updates: number
  /** Steps of AdamW. */
  optimizer_step: number
}

/** Throws `INVALID_CHECKPOINT`, or `NEWER_CHECKPOINT` for a file of a later version. */
export function parseTrainerState(text: string, file: string): TrainerStateFile {
  const parsed = parseObject(text)
  const version = parsed?.schema_version
  if (typeof version === 'number' && version > schemaVersion)
    throw new EvolmmError(
      'NEWER_CHECKPOINT',
      `${file}: must have schema version ${schemaVersion} at most, got ${version}; use the version of evolmm that wrote it, or a later one`,
      { details: { file, version, supported: schemaVersion } },
    )
  const { step, identity, solver, proposer, watch, dataset } = parsed ?? {}
  const whole = [identity, solver, proposer, watch, dataset].every(isObject)
  if (version === schemaVersion && Number.isSafeInteger(step) && whole)
    return parsed as unknown as TrainerStateFile
  throw new EvolmmError(
    'INVALID_CHECKPOINT',
    `${file}: must be ${parsed === undefined ? 'JSON, got other text' : 'a trainer state of version 1, got something else'}; resume from another checkpoint`,
    { details: { file } },
  )
}
