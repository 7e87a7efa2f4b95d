/** A process reward model from questions with answers alone: `evolmm mstar prm`. */
import { join } from 'node:path'
import { checkObject } from '@evolmm/internal'
import { run, type RunOptions, type RunOutcome } from '@evolmm/runs'
import { modelOptions, pixelOptions, resolve } from '@evolmm/settings'
import type { SftRecord } from '@evolmm/sft'
import { loadVlm } from '@evolmm/vlm'
import { openQuestions } from '../open-questions'
import type { PrmProgress } from './labelled-data'
import { prm } from './method'
import { openPrm, prmFolder, type PrmModel } from './open-prm'
import { readReport } from './read-report'
import type { RewardReport } from './report'
import { prmSettings, type PrmGiven } from './settings'

/** Settings by name, and what is no setting: what else follows the work, and what ends it. */
export type PrmOptions = PrmGiven & PrmHooks

export interface PrmHooks extends Pick<
  RunOptions<SftRecord, (typeof prmSettings)['rows']>,
  'version' | 'trackers' | 'signal' | 'onRecord' | 'onCheckpoint' | 'onWarning'
> {
  /** The function opens the model. @default loadVlm with the settings */
  openModel?: (() => Promise<PrmModel>) | undefined
  onProgress?: ((progress: PrmProgress) => void) | undefined
}

export interface PrmOutcome extends RunOutcome {
  /** The folder of the adapter with its head. */
  folder: string
  /** What was found on steps that were held out; null before the end. */
  report: RewardReport | null
}

/**
 * The completer answers questions, goes on from the steps of its answers, and learns to say how often that comes to the right
 * answer. All of it lies in `prm/` of the folder of the run, and goes on after a kill. Throws what reading questions, opening the
 * model and `run` of `@evolmm/runs` throw, `NOTHING_KEPT`, and `WOULD_OVERWRITE` for answers of other settings.
 */
export async function trainRewardModel(options: PrmOptions): Promise<PrmOutcome> {
  checkObject('options', options)
  const { openModel, onProgress, version, trackers, signal, onRecord, onCheckpoint, onWarning, ...given } =
    options
  const settings = resolve(prmSettings, given)
  const folder = prmFolder(settings)
  const questions = await openQuestions(settings.data)
  await questions.close()
  const open =
    openModel ?? (() => loadVlm(settings.model, { ...modelOptions(settings), ...pixelOptions(settings) }))
  const hooks = { openModel: open, onProgress: onProgress ?? (() => undefined) }
  const outcome = await run(
    { ...prm, open: (context) => openPrm(context, hooks) },
    {
      ...{ folder, settings, version, trackers, signal, onRecord, onCheckpoint, onWarning },
      depends: { data_revision: questions.revision },
    },
  )
  const report = outcome.status === 'finished' ? await readReport(folder) : null
  return { ...outcome, folder: join(folder, 'model'), report }
}
