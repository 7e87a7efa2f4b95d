/**
 * Supervised learning as a run on disk. At the end the adapter or the checkpoint appears in the folder of the run as a
 * whole, and the states from which it could have gone on are removed.
 */
import { checkObject } from '@evolmm/internal'
import { join } from 'node:path'
import { isThere } from '@evolmm/internal/node'
import {
  compareIdentity,
  readRunFile,
  retainCheckpoints,
  run,
  type RunOptions,
  type RunOutcome,
} from '@evolmm/runs'
import { identityOf, modelOptions, pixelOptions, resolve, storedIdentity } from '@evolmm/settings'
import { checkParameters, loadVlm, openConfig, plannedAdapter } from '@evolmm/vlm'
import { EvolmmError } from './errors'
import { takeUpFormer } from './former-folder'
import { openSft, type SftModel } from './open-sft'
import { readLessons } from './read-lessons'
import type { SftRecord } from './record'
import { sftSettings, type SftGiven, type SftSettings } from './settings'
import { sft } from './sft'

/** Settings by name, and what is no setting: what else follows the run, and what ends it. */
export type SftOptions = SftGiven & SftHooks

export interface SftHooks extends Pick<
  RunOptions<SftRecord, (typeof sftSettings)['rows']>,
  'version' | 'trackers' | 'signal' | 'onRecord' | 'onCheckpoint' | 'onWarning'
> {
  /** The function opens the model. @default loadVlm with the settings */
  openModel?: (() => Promise<SftModel>) | undefined
}

export interface SftOutcome extends RunOutcome {
  /** `true` when the run was finished before, and nothing was done. */
  wasFinished: boolean
}

/** Throws what reading the lessons, opening the model and `run` of `@evolmm/runs` throw, and `WOULD_OVERWRITE`. */
export async function train(options: SftOptions): Promise<SftOutcome> {
  checkObject('options', options)
  const { openModel, version, trackers, signal, onRecord, onCheckpoint, onWarning, ...given } = options
  const settings = resolve(sftSettings, given)
  const { output_dir: folder, total_steps: step } = settings
  const { examples, sha256 } = await readLessons(settings.data, settings)
  const depends = { data_sha256: sha256 }
  await takeUpFormer(folder)
  if (await isFinished(settings, depends)) return { step, status: 'finished', wasFinished: true }
  const opening = { examples, openModel: openModel ?? (() => openVlm(settings)) }
  const outcome = await run(
    { ...sft, open: (context) => openSft(context, opening) },
    { folder, settings, depends, version, trackers, signal, onRecord, onCheckpoint, onWarning },
  )
  return { ...outcome, wasFinished: false }
}

/** Weights that no vector holds are refused from the configuration, before any of them is fetched or read. */
async function openVlm(settings: SftSettings): Promise<SftModel> {
  const { model, use_lora: isLora, freeze_vision: frozen } = settings
  const options = modelOptions(settings)
  if (!isLora) {
    const { backbone } = await openConfig(model, { hub: options.hub })
    const { parameters } = plannedAdapter({ backbone, full: { vision: !frozen } })
    checkParameters(`model ${model}`, parameters, 'set use_lora, or take a smaller model')
  }
  return loadVlm(model, { ...options, ...pixelOptions(settings) })
}

/** Throws `OTHER_CONFIGURATION` for another run, and `WOULD_OVERWRITE` for a model of whatever origin. */
async function isFinished(
  settings: SftSettings,
  depends: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { output_dir: folder, use_lora: isLora } = settings
  const marker = isLora ? 'adapter_config.json' : 'config.json'
  const run = await readRunFile(folder)
  if (run !== undefined)
    compareIdentity(folder, storedIdentity(sftSettings, run.identity), {
      ...identityOf(sftSettings, settings),
      ...depends,
    })
  const finished = await isThere(join(folder, marker))
  if (finished && run === undefined)
    throw new EvolmmError(
      'WOULD_OVERWRITE',
      `output_dir: must not have ${marker} yet, got one in ${folder}; choose another folder`,
      { details: { option: 'output_dir' } },
    )
  if (finished) await retainCheckpoints(folder, 0)
  return finished
}
