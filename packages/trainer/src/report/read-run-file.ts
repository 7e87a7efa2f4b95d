/** `run.json` of a run's folder, held to its form. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import type { RunFile } from '../run-file'

/** Throws `RUN_NOT_FOUND`, `RUN_FILE_DAMAGED` or `RUN_FILE_VERSION`. */
export async function readRunFile(folder: string): Promise<RunFile> {
  const file = join(folder, 'run.json')
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new EvolmmError(
      'RUN_NOT_FOUND',
      `${folder}: must be the folder of a run, with a run.json that can be read, got ${cause instanceof Error ? cause.message : String(cause)}; pass a folder that evolmm train wrote`,
      { details: { folder }, cause },
    )
  })
  const run = parse(text)
  if (isObject(run) && run.schema_version !== undefined && run.schema_version !== 1)
    throw new EvolmmError(
      'RUN_FILE_VERSION',
      `${file}: must be of schema_version 1, got ${JSON.stringify(run.schema_version)}; use the version of evolmm that wrote it`,
      { details: { file, version: run.schema_version } },
    )
  if (isRunFile(run)) return run
  throw new EvolmmError(
    'RUN_FILE_DAMAGED',
    `${file}: must hold the description of a run, got something else; restore the file`,
    { details: { file } },
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRunFile(run: unknown): run is RunFile {
  if (!isObject(run)) return false
  const { versions, config, images, probe } = run
  return (
    ['schema_version' in run, isObject(config), isObject(versions), isObject(images)].every(Boolean) &&
    [run.name, run.started].every((value) => typeof value === 'string') &&
    isObject(versions) &&
    [versions.evolmm, versions.node, versions.onnxruntime].every((value) => typeof value === 'string') &&
    isObject(images) &&
    typeof images.root === 'string' &&
    typeof images.count === 'number' &&
    (probe === null || (isObject(probe) && Object.values(probe).every((value) => typeof value === 'number')))
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
