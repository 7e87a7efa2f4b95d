/** What a configuration names must be there, before anything is loaded for nothing. */
import { access, stat } from 'node:fs/promises'
import { pixelOptions } from '@evolmm/settings'
import type { EvolmmSettings, EvolmmValues } from '@evolmm/trainer'
import { checkFolder as checkCheckpoint } from '@evolmm/vlm'
import { EvolmmError } from '../errors'
import { refuseRun } from '../refuse-run'

/** Throws `INVALID_OPTION` for the first that is not. */
export async function checkFiles(settings: EvolmmSettings): Promise<void> {
  await checkFolder('data_dir', settings.data_dir)
  await checkModel('solver_model', settings.solver_model)
  for (const name of ['solver_adapter', 'proposer_adapter'] as const)
    if (settings[name] !== null) await refuseRun(name, settings[name], 'an adapter')
  await checkModel('proposer_model', settings.proposer_model)
  for (const name of ['solver_adapter', 'proposer_adapter'] as const)
    if (settings[name] !== null) await checkModel(name, settings[name])
  for (const name of ['manifest', 'probe_data'] as const)
    if (settings[name] !== null) await checkFile(name, settings[name])
  if (!['auto', 'never'].includes(settings.resume)) {
    await refuseRun('resume', settings.resume, 'a checkpoint')
    await checkFolder('resume', settings.resume)
  }
  if ((await kind(settings.output_dir)) === 'a file')
    throw invalid('output_dir', 'be a folder, or not exist yet', settings.output_dir, 'a file')
}

/** Small files and the headers of the weights of models that are folders. Throws what loading them would. */
export async function checkModels(settings: EvolmmSettings): Promise<void> {
  for (const model of new Set([settings.solver_model, settings.proposer_model]))
    if ((await kind(model)) === 'a folder') await checkCheckpoint(model, pixelOptions(settings))
}

async function checkFolder(name: keyof EvolmmValues, path: string): Promise<void> {
  const found = await kind(path)
  if (found !== 'a folder') throw invalid(name, 'be a folder that exists', path, found)
}

/** A folder, or what could be a name on the hub. */
async function checkModel(name: keyof EvolmmValues, path: string): Promise<void> {
  const found = await kind(path)
  if (
    found !== 'a folder' &&
    (found === 'a file' || !/^[\w.-]+\/[\w.-]+(@.+)?$/.test(path) || path.startsWith('.'))
  )
    throw invalid(name, 'be a folder that exists, or ORG/NAME on the hub', path, found)
}

async function checkFile(name: keyof EvolmmValues, path: string): Promise<void> {
  const found = await kind(path)
  if (found !== 'a file') throw invalid(name, 'be a file that can be read', path, found)
  await access(path).catch((error: unknown) => {
    throw invalid(name, 'be a file that can be read', path, (error as Error).message)
  })
}

async function kind(path: string): Promise<string> {
  return stat(path).then(
    (entry) => (entry.isDirectory() ? 'a folder' : 'a file'),
    (error: unknown) =>
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'nothing there' : String(error),
  )
}

function invalid(name: keyof EvolmmValues, rule: string, path: string, found: string): EvolmmError {
  return new EvolmmError(
    'INVALID_OPTION',
    `${name} ${JSON.stringify(path)}: must ${rule}, got ${found}; check the path`,
    { details: { option: name, value: path } },
  )
}
