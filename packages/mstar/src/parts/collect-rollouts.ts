/** Answers of a policy to the questions of a file, kept in the folder of a run: `evolmm mstar rollout`. */
import { shuffledOrder } from '@evolmm/dataset'
import { checkObject } from '@evolmm/internal'
import { identityOf, resolve } from '@evolmm/settings'
import { countAnswers, type AnswerCounts } from '../count-answers'
import { openQuestions, type Questions } from '../open-questions'
import { answersOnDisk, policyDigest, type AnsweringModels } from '../policy'
import { countProgress, type Counts } from '../progress'
import { rationalePrompt } from '../question-prompt'
import type { RolloutsFile, RolloutsHead } from '../rollouts-file'
import { digestOf } from './digest'
import { openPartModel, policyOf, type PartModel } from './part-model'
import { rolloutSettings, type RolloutGiven, type RolloutSettings } from './rollout-settings'
import { answersFile, scoredFile } from './rollouts-files'
import { scoreRollouts } from './score-rollouts'
import { withFolder } from './with-folder'

/** Counts answers that are written, or questions whose answers are scored. */
export type PartProgress = Counts & { phase: 'generate' | 'score' }

export interface CollectHooks {
  /** The function opens the model. @default loadVlm with the settings */
  openModel?: (() => Promise<PartModel>) | undefined
  /** Ends the work between two batches; the same call goes on. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: PartProgress) => void) | undefined
}

export type CollectOptions = RolloutGiven & CollectHooks

export interface CollectedRollouts {
  status: 'finished' | 'stopped'
  /** The path of the file of answers, the scored ones if a reward model scores them. */
  file: string
  /** What is in it; null where a signal came first. */
  counts: AnswerCounts | null
}

/**
 * Answers that are there already are not asked again. Throws what reading questions, opening the model and sampling throw,
 * `OUTPUT_IN_USE`, and `WOULD_OVERWRITE` for a file of the same name with answers of another model or other settings.
 */
export async function collectRollouts(options: CollectOptions): Promise<CollectedRollouts> {
  checkObject('options', options)
  const { openModel, signal, onProgress, ...given } = options
  const settings = resolve(rolloutSettings, given)
  const { output_dir: folder, rollouts: name, reward_model: scores } = settings
  return withFolder(folder, async (defer) => {
    const questions = await openQuestions(settings.data)
    defer(() => questions.close())
    const vlm = await (openModel ?? (() => openPartModel(settings)))()
    defer(() => vlm.dispose())
    const policy = await policyOf(vlm, settings)
    const reward = scores === null ? undefined : await vlm.loadAdapter(scores, {})
    const work = { models: { vlm, policy, reward }, settings, questions, signal, onProgress }
    const file = scores === null ? answersFile(folder, name) : scoredFile(folder, name)
    const head = headOf(work)
    const answers = await answersIn(work, head)
    if (answers !== undefined) defer(() => answers.close())
    const whole = answers && (scores === null ? answers : await scoresIn(work, head, answers))
    if (whole === undefined) return { status: 'stopped', file, counts: null }
    if (whole !== answers) defer(() => whole.close())
    return { status: 'finished', file, counts: await countAnswers(whole) }
  })
}

interface Work extends Pick<CollectHooks, 'signal' | 'onProgress'> {
  models: AnsweringModels
  settings: RolloutSettings
  questions: Questions
}

/** What answers depend on; who scores them later is no part of that. */
function headOf({ models, settings, questions }: Work): RolloutsHead {
  const identity = { ...identityOf(rolloutSettings, settings), reward_model: null, steps_by: null }
  return {
    ...{ data: questions.revision, policy: policyDigest(models), settings: digestOf(identity) },
    questions: Math.min(questions.length, settings.num_questions ?? questions.length),
  }
}

function answersIn(
  { models, settings, questions, signal, onProgress }: Work,
  head: RolloutsHead,
): Promise<RolloutsFile | undefined> {
  const { num_generations: samples, temperature, output_dir: folder, rollouts: name } = settings
  const numbers = drawnQuestions(questions.length, settings)
  return answersOnDisk({ ...models, reward: undefined }, settings, {
    ...{ file: answersFile(folder, name), head, others: 'refuse' },
    ...{ questions, numbers, samples, temperature, signal },
    seed: [settings.seed, 0],
    progress: countProgress(samples * numbers.length, (counts) =>
      onProgress?.({ phase: 'generate', ...counts }),
    ),
    ...(settings.give_answers && { promptFor: rationalePrompt(settings) }),
  })
}

function scoresIn(
  { models, settings, questions, signal, onProgress }: Work,
  head: RolloutsHead,
  answers: RolloutsFile,
): Promise<RolloutsFile | undefined> {
  const { vlm, reward } = models
  return scoreRollouts({
    ...{ models, settings, answers, questions, signal },
    file: scoredFile(settings.output_dir, settings.rollouts),
    head: { ...head, reward: policyDigest({ vlm, policy: reward }), steps_by: settings.steps_by },
    progress: countProgress(answers.length, (counts) => onProgress?.({ phase: 'score', ...counts })),
  })
}

/** The numbers of the questions that are asked, each once, in ascending order. */
function drawnQuestions(
  length: number,
  { num_questions: wanted, seed }: { num_questions: number | null; seed: number },
): number[] {
  return [...shuffledOrder({ length, seed, epoch: 0 }).subarray(0, wanted ?? length)].sort((a, b) => a - b)
}
