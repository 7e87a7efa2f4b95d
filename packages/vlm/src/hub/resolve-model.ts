/** A model, adapter or data set by name: a folder that exists is taken as it is, anything else is looked up on the hub. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { checkText } from './check-text'
import { downloadSnapshot } from './download-snapshot'
import { modelFiles } from './file-selection'
import type { HubOptions } from './hub-options'
import { isRepoId } from './repo-id'

export interface ResolvedModel {
  /** Absolute. */
  folder: string
  /** On the hub; none for a local folder. */
  id?: string
  commit?: string
}

/**
 * `idOrFolder` is a folder, or `ORG/NAME`, `NAME` or either with `@revision`. Of a model on the hub the files of
 * `modelFiles` are fetched, of a data set all, unless `allow`, `ignore` or `require` say otherwise.
 */
export async function resolveModel(idOrFolder: string, options: HubOptions = {}): Promise<ResolvedModel> {
  const folder = resolve(checkText('model', idOrFolder))
  const entry = idOrFolder === '' ? undefined : await stat(folder).catch(() => undefined)
  if (entry?.isDirectory()) return { folder }
  if (entry !== undefined || !isRepoId(idOrFolder.split('@', 1)[0]))
    throw new EvolmmError(
      'MODEL_NOT_FOUND',
      `${JSON.stringify(idOrFolder)}: must be an existing folder or have the form ORG/NAME or ORG/NAME@revision, got ${entry === undefined ? 'neither' : 'a file'}; correct the path or the name`,
      { details: { model: idOrFolder } },
    )
  const chosen = options.allow ?? options.ignore ?? options.require
  const whole = chosen !== undefined || options.repoType === 'dataset'
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
const missing = new Set(['HUB_UNREACHABLE', 'HUB_NOT_CACHED', 'HUB_REPO_NOT_FOUND', 'HUB_UNAUTHORIZED'])
