/** What a configuration names must be there, before anything is loaded for nothing. */
import { pixelOptions } from '@evolmm/settings'
import type { EvolmmSettings } from '@evolmm/trainer'
import { checkFolder as checkCheckpoint } from '@evolmm/vlm'
import { checkFile, checkFolder, checkModel, checkOutput, pathKind } from '../check-paths'
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
  await checkOutput('output_dir', settings.output_dir)
}

/** Small files and the headers of the weights of models that are folders. Throws what loading them would. */
export async function checkModels(settings: EvolmmSettings): Promise<void> {
  for (const model of new Set([settings.solver_model, settings.proposer_model]))
    if ((await pathKind(model)) === 'a folder') await checkCheckpoint(model, pixelOptions(settings))
}
