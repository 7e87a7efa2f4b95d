/** A model, adapter or data set by name: a folder that exists is taken as it is, any other name is one of the hub. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { checkNames, checkText } from '@evolmm/internal'
import { EvolmmError, type HubErrorCode } from './errors'
import { downloadSnapshot } from './download-snapshot'
import { modelFiles } from './file-selection'
import { hubOptionNames, type HubOptions } from './hub-options'
import { isRepoId } from './repo-id'

export interface ResolvedRepo {
  /** The absolute path of the folder. */
  folder: string
  /** The id on the hub; none for a local folder. */
  id?: string
  commit?: string
}

/**
 * `idOrFolder` is a folder, or `ORG/NAME`, `NAME` or either with `@revision`. Of a model on the hub the files of
 * `modelFiles` are fetched, of a data set all, unless `allow`, `ignore` or `require` say otherwise.
 */
export async function resolveRepo(idOrFolder: string, options: HubOptions = {}): Promise<ResolvedRepo> {
  checkNames('resolveRepo', options, hubOptionNames)
  const kind = options.repoType ?? 'model'
  const folder = resolve(checkText(kind, idOrFolder))
  const entry = idOrFolder === '' ? undefined : await stat(folder).catch(() => undefined)
  if (entry?.isDirectory()) return { folder }
  if (entry !== undefined || !isRepoId(idOrFolder.split('@', 1)[0]))
    throw new EvolmmError(
      kind === 'dataset' ? 'DATASET_NOT_FOUND' : 'MODEL_NOT_FOUND',
      `${JSON.stringify(idOrFolder)}: must be an existing folder or have the form ORG/NAME or ORG/NAME@revision, got ${entry === undefined ? 'neither' : 'a file'}; correct the path or the name`,
      { details: { [kind]: idOrFolder } },
    )
  const chosen = options.allow ?? options.ignore ?? options.require
  const whole = chosen !== undefined || kind === 'dataset'
  return downloadSnapshot(idOrFolder, whole ? options : { ...options, ...modelFiles }).catch(
    (error: unknown) => {
      if (!(error instanceof EvolmmError) || !missing.has(error.code)) throw error
      const { code, message, details } = error
      throw new EvolmmError(code, `${message}; a folder of that name is not there either`, {
        details,
        cause: error,
      })
    },
  )
}

/** Errors that a mistyped path runs into. */
const missing = new Set<HubErrorCode>([
  'HUB_UNREACHABLE',
  'HUB_NOT_CACHED',
  'HUB_REPO_NOT_FOUND',
  'HUB_UNAUTHORIZED',
])
