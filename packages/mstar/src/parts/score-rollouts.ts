/** What a reward model says of answers on disk, kept beside them. */
import { openRollouts, type RolloutsFile, type RolloutsHead } from '../rollouts-file'
import type { Questions } from '../open-questions'
import { scored, type AnsweringModels, type AnswerSettings } from '../policy'
import type { PhaseProgress } from '../progress'
import type { Rollout } from '../rollout'

export interface ScoreRolloutsOptions {
  models: Pick<AnsweringModels, 'vlm' | 'reward'>
  settings: AnswerSettings
  answers: RolloutsFile
  questions: Questions
  file: string
  head: RolloutsHead
  signal: AbortSignal | undefined
  progress: PhaseProgress
}

/** `undefined` where a signal came before all were scored; what is there stays. */
export async function scoreRollouts(options: ScoreRolloutsOptions): Promise<RolloutsFile | undefined> {
  const { models, settings, answers, questions, file, head, signal, progress } = options
  const stored = await openRollouts(file, head, { others: 'refuse' })
  const isStopped = () => signal?.aborted === true
  try {
    progress.skip(stored.length)
    while (stored.length < answers.length && !isStopped()) {
      const batch: Rollout[] = []
      const end = Math.min(answers.length, stored.length + settings.questions_per_run)
      for (let place = stored.length; place < end; place++) batch.push(await answers.at(place))
      await stored.append(await scored(models, settings, questions, batch))
      progress.add(batch.length)
    }
  } catch (error) {
    await stored.close()
    throw error
  }
  if (stored.length === answers.length) return stored
  await stored.close()
  return undefined
}
