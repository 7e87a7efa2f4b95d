/** Reads a checkpoint back. Nothing in its folder is changed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject, parseObject } from '@evolmm/internal'
import { readSafetensors } from '@evolmm/safetensors'
import { EvolmmError } from '../errors'
import { schemaVersion, stateFile, tensorFile, type Checkpoint, type CheckpointHead } from './state'

/** Throws `INVALID_CHECKPOINT`, `NEWER_CHECKPOINT` for one of a later version, or what reading throws. */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const file = join(folder, stateFile)
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new EvolmmError(
      'INVALID_CHECKPOINT',
      `${folder}: must be the folder of a checkpoint, with ${stateFile}, got ${String(cause)}; check the path`,
      { details: { folder }, cause },
    )
  })
  const { schema_version, step, saved, identity, ...data } = parseState(text, file)
  const tensors = await readSafetensors(join(folder, tensorFile)).catch(orGoOnEarlier(folder))
  return { folder, schema_version, step, saved, identity, data, tensors }
}

/** A handler for `catch` that says what is wrong with a file of a checkpoint, and what can be done about the whole. */
export function orGoOnEarlier(folder: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof EvolmmError)) throw error
    const { code, message, details } = error
    throw new EvolmmError(code, `${message}; or move ${folder} away to go on from an earlier checkpoint`, {
      details,
      cause: error,
    })
  }
}

/** The error of a method that does not find in `from` what it has put there. */
export function invalidCheckpoint(from: Pick<Checkpoint, 'folder'>, rule: string, got: string): EvolmmError {
  return new EvolmmError(
    'INVALID_CHECKPOINT',
    `${from.folder}: must ${rule}, got ${got}; resume from another checkpoint`,
    { details: { folder: from.folder } },
  )
}

/** A tensor of a checkpoint that has as many values as it must. */
export function tensorOf(from: Checkpoint, name: string, length: number): Float32Array {
  const values = from.tensors.get(name)?.data
  if (values?.length === length) return values
  const file = join(from.folder, tensorFile)
  throw new EvolmmError(
    'INVALID_CHECKPOINT',
    `${file}: "${name}" must have ${length} values, got ${values?.length ?? 'no such tensor'}; resume from another checkpoint`,
    { details: { file, tensor: name } },
  )
}

function parseState(text: string, file: string): CheckpointHead & Record<string, unknown> {
  const parsed = parseObject(text)
  const version = parsed?.schema_version
  if (typeof version === 'number' && version > schemaVersion)
    throw new EvolmmError(
      'NEWER_CHECKPOINT',
      `${file}: must have schema version ${schemaVersion} at most, got ${version}; use the version of evolmm that wrote it, or a later one`,
      { details: { file, version, supported: schemaVersion } },
    )
  const { step, identity } = parsed ?? {}
  if (version === schemaVersion && Number.isSafeInteger(step) && isObject(identity))
    return parsed as unknown as CheckpointHead & Record<string, unknown>
  throw new EvolmmError(
    'INVALID_CHECKPOINT',
    `${file}: must be ${parsed === undefined ? 'JSON, got other text' : 'a trainer state of version 1, got something else'}; resume from another checkpoint`,
    { details: { file } },
  )
}
