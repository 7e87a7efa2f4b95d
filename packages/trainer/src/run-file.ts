/** `run.json` in the folder of a run: what was true when it began. A resumed run leaves it as it is. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { replaceFile } from '@evolmm/internal/node'

export interface RunFile {
  schema_version: 1
  name: string
  /** ISO 8601. */
  started: string
  versions: { evolmm: string | null; node: string; onnxruntime: string }
  /** The resolved configuration, by the names of the flags. */
  config: Readonly<Record<string, unknown>>
  /** The part of it that what is learned depends on. */
  identity: Readonly<Record<string, unknown>>
  images: { root: string; count: number }
  /** Numbers of the evaluation probe before the first iteration; `null` without a probe. */
  probe: Readonly<Record<string, number>> | null
}

/** `undefined` before the run has begun. Throws `INVALID_RUN`. */
export async function readRunFile(folder: string): Promise<RunFile | undefined> {
  const file = join(folder, 'run.json')
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw invalid(file, String(cause), cause)
  })
  if (text === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(text)
    if (isRunFile(parsed)) return parsed
  } catch (cause) {
    throw invalid(file, 'other text', cause)
  }
  throw invalid(file, 'something else')
}

function isRunFile(run: unknown): run is RunFile {
  if (!isObject(run) || run.schema_version !== 1) return false
  const { name, started, versions, config, identity, images, probe } = run
  return (
    [name, started].every((value) => typeof value === 'string') &&
    [versions, config, identity].every(isObject) &&
    isObject(images) &&
    typeof images.root === 'string' &&
    typeof images.count === 'number' &&
    (probe === null || isObject(probe))
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Whole or not at all. Throws `UNWRITABLE_FILE`. */
export async function writeRunFile(folder: string, content: RunFile): Promise<void> {
  await replaceFile(join(folder, 'run.json'), `${JSON.stringify(content, null, 2)}\n`)
}

function invalid(file: string, got: string, cause?: unknown): EvolmmError {
  return new EvolmmError(
    'INVALID_RUN',
    `${file}: must be the record of a run of version 1, got ${got}; choose another run name, or restore the file`,
    { details: { file }, cause },
  )
}
