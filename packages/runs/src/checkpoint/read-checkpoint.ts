/** Reads a checkpoint back. Nothing in its folder is changed. */
import { basename, join } from 'node:path'
import { checkNames, checkText, findNotFinite, isObject, parseObject } from '@evolmm/internal'
import { readSmallText } from '@evolmm/internal/node'
import { readSafetensors } from '@evolmm/safetensors'
import { EvolmmError } from '../errors'
import { checkpointName } from './find-checkpoints'
import { schemaVersion, stateFile, tensorFile, type Checkpoint, type CheckpointHead } from './state'

/** `folder` is a `step_NNNNN`. Throws `INVALID_CHECKPOINT`, `NEWER_CHECKPOINT` for one of a later version, or what reading throws. */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  checkText('folder', folder)
  const file = join(folder, stateFile)
  const text = await readSmallText(file).catch((cause: unknown) => {
    throw new EvolmmError(
      'INVALID_CHECKPOINT',
      `${folder}: must be the folder of a checkpoint, with ${stateFile}, got ${String(cause)}; check the path`,
      { details: { folder }, cause },
    )
  })
  const { schema_version, step, saved, identity, ...data } = parseState(text, file)
  // The log is cut to this step.
  if (checkpointName(step) !== basename(folder))
    throw invalidCheckpoint({ folder }, 'be of the step that its name says', `step ${step} in ${stateFile}`)
  const tensors = await readSafetensors(join(folder, tensorFile)).catch(orGoOnEarlier(folder))
  for (const [name, { data }] of tensors) {
    const at = findNotFinite(data)
    if (at !== -1)
      throw invalidTensor(folder, name, 'have finite numbers alone', `${data[at]} at place ${at}`)
  }
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

export interface TensorRules {
  /** The number of values. */
  length: number
  /** The least value that each may have. @default any */
  min?: number
}

/** A tensor of a checkpoint that has as many values as it must, none of them too small. */
export function tensorOf(
  { folder, tensors }: Pick<Checkpoint, 'folder' | 'tensors'>,
  name: string,
  rules: TensorRules,
): Float32Array {
  checkNames('tensorOf', rules, { length: true, min: true })
  const { length, min = -Infinity } = rules
  const values = tensors.get(name)?.data
  if (values?.length !== length)
    throw invalidTensor(
      folder,
      name,
      `have ${length} values`,
      values === undefined ? 'no such tensor' : String(values.length),
    )
  const at = values.findIndex((value) => value < min)
  if (at !== -1)
    throw invalidTensor(folder, name, `have no value below ${min}`, `${values[at]} at place ${at}`)
  return values
}

function invalidTensor(folder: string, tensor: string, rule: string, got: string): EvolmmError {
  const file = join(folder, tensorFile)
  return new EvolmmError(
    'INVALID_CHECKPOINT',
    `${file}: ${JSON.stringify(tensor)} must ${rule}, got ${got}; move ${folder} away to go on from an earlier checkpoint`,
    { details: { file, tensor } },
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
