/** M-STaR as a run on disk. The loop itself is `cycles`. */
import { checkFunction, checkObject } from '@evolmm/internal'
import { run, type RunOptions, type RunOutcome } from '@evolmm/runs'
import { modelOptions, pixelOptions, resolve } from '@evolmm/settings'
import { loadVlm } from '@evolmm/vlm'
import { EvolmmError } from './errors'
import { mstar } from './mstar'
import { openMstar, type MstarModel } from './open-mstar'
import { openQuestions } from './open-questions'
import type { MstarProgress } from './progress'
import type { MstarRecord } from './record'
import type { StepScorer } from './score-steps'
import { mstarSettings, type MstarGiven } from './settings'

/** Settings by name, and what is no setting: what else follows the run, and what ends it. */
export type MstarOptions = MstarGiven & MstarHooks

export interface MstarHooks extends Pick<
  RunOptions<MstarRecord, (typeof mstarSettings)['rows']>,
  'version' | 'trackers' | 'signal' | 'onRecord' | 'onCheckpoint' | 'onWarning'
> {
  /** The function opens the model. @default loadVlm with the settings */
  openModel?: (() => Promise<MstarModel>) | undefined
  /**
   * The function scores the steps of answers in place of a reward model. `reward_model` is then a name for it, which a run that
   * goes on must have again.
   */
  scoreSteps?: StepScorer | undefined
  /** Hears how far each phase is, as often as something of it is done. */
  onProgress?: ((progress: MstarProgress) => void) | undefined
}

/** Throws what reading questions, opening the model and `run` of `@evolmm/runs` throw, and `NOTHING_KEPT`. */
export async function train(options: MstarOptions): Promise<RunOutcome> {
  checkObject('options', options)
  const { openModel, scoreSteps, onProgress, version, trackers, signal, ...more } = options
  const { onRecord, onCheckpoint, onWarning, ...given } = more
  const settings = resolve(mstarSettings, given)
  const { model, output_dir: folder } = settings
  if (scoreSteps !== undefined) checkScorer(scoreSteps, settings)
  const digests = [settings.data, settings.validation, settings.unlabelled].map(revisionOf)
  const [data_revision, validation_revision, unlabelled_revision] = await Promise.all(digests)
  const open = openModel ?? (() => loadVlm(model, { ...modelOptions(settings), ...pixelOptions(settings) }))
  return run(
    { ...mstar, open: (context) => openMstar(context, { openModel: open, scoreSteps, onProgress }) },
    {
      ...{ folder, settings, version, trackers, signal, onRecord, onCheckpoint, onWarning },
      depends: { data_revision, validation_revision, unlabelled_revision },
    },
  )
}

function checkScorer(scoreSteps: unknown, { reward_model: name }: { reward_model: string | null }): void {
  checkFunction('scoreSteps', scoreSteps)
  if (name !== null) return
  throw new EvolmmError(
    'INVALID_OPTION',
    'reward_model: must be a name for scoreSteps, got none; give one, such as "rules"',
    { details: { option: 'reward_model' } },
  )
}

async function revisionOf(file: string | null): Promise<string | null> {
  if (file === null) return null
  const questions = await openQuestions(file)
  await questions.close()
  return questions.revision
}
