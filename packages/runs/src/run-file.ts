/** `run.json` in the folder of a run: what was true when it began. A resumed run leaves it as it is. */
import { join } from 'node:path'
import { checkText, isObject, jsonText, parseObject } from '@evolmm/internal'
import { readSmallText, replaceFile } from '@evolmm/internal/node'
import { EvolmmError } from './errors'

export interface RunFile {
  schema_version: 1
  /** The name of the method; older runs, which lack it, are of EvoLMM. */
  method?: string
  name: string
  /** The time of the beginning, ISO 8601. */
  started: string
  versions: Readonly<Record<string, string | null>>
  /** The resolved settings, by the names of the flags. */
  config: Readonly<Record<string, unknown>>
  /** The part of them that what is learned depends on. */
  identity: Readonly<Record<string, unknown>>
  /** Numbers of the evaluation probe before the first iteration; `null` without a probe. */
  probe: Readonly<Record<string, number>> | null
  /** What its method keeps besides. */
  [fact: string]: unknown
}

/** `undefined` before the run has begun. Throws `INVALID_RUN`. */
export async function readRunFile(folder: string): Promise<RunFile | undefined> {
  checkText('folder', folder)
  const file = join(folder, 'run.json')
  const text = await readSmallText(file).catch((cause: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(String((cause as NodeJS.ErrnoException).code))) return undefined
    throw invalid(file, String(cause), cause)
  })
  if (text === undefined) return undefined
  const run = parseObject(text)
  if (run !== undefined && isRunFile(run)) return run
  throw invalid(file, 'something else')
}

function isRunFile(run: object): run is RunFile {
  const { schema_version, name, started, versions, config, identity, probe } = run as Partial<RunFile>
  return (
    schema_version === 1 &&
    [name, started].every((value) => typeof value === 'string') &&
    [versions, config, identity, probe ?? {}].every(isObject) &&
    probe !== undefined
  )
}

/** Writes the file whole or not at all. Throws `UNWRITABLE_FILE`. */
export async function writeRunFile(folder: string, content: RunFile): Promise<void> {
  checkText('folder', folder)
  await replaceFile(join(folder, 'run.json'), jsonText(content))
}

function invalid(file: string, got: string, cause?: unknown): EvolmmError {
  return new EvolmmError(
    'INVALID_RUN',
    `${file}: must be the record of a run of version 1, got ${got}; choose another run name, or restore the file`,
    { details: { file }, cause },
  )
}
