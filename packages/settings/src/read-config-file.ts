/** A JSON file with settings by name; `run.json` and any other file that keeps them under `config` will do. */
import { join } from 'node:path'
import { isObject, parseJson } from '@evolmm/internal'
import { readSmallText } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import type { SourcesInput } from './read-sources'

/** Throws `INVALID_CONFIG_FILE`; what the settings are is checked by `readSources`. */
export async function readConfigFile(path: string): Promise<NonNullable<SourcesInput['file']>> {
  const text = await readSmallText(path).catch((cause: unknown) => {
    const error = cause as NodeJS.ErrnoException
    const fix = error.code === 'EISDIR' ? `pass its run.json: ${join(path, 'run.json')}` : 'check the path'
    throw invalid(path, 'must be a file that can be read', error.message, fix)
  })
  let json: unknown
  try {
    json = parseJson(text)
  } catch (error) {
    throw invalid(path, 'must be JSON', (error as Error).message)
  }
  const values = isObject(json) && isObject(json.config) ? json.config : json
  if (!isObject(values)) throw invalid(path, 'must hold an object with settings by name', 'another value')
  return { path, values }
}

function invalid(path: string, rule: string, got: string, fix = 'correct the file'): EvolmmError {
  return new EvolmmError('INVALID_CONFIG_FILE', `config ${path}: ${rule}, got ${got}; ${fix}`, {
    details: { option: 'config', path },
  })
}
