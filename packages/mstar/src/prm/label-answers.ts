/** The steps of all answers that were chosen, labelled by completions and kept on disk. */
import type { Adapter, Sampler } from '@evolmm/vlm'
import { optionsOf } from '@evolmm/settings'
import { openJournal, type Journal, type JournalHead, type JournalReader } from '../journal'
import { labelSteps } from '../label-steps'
import type { Questions } from '../open-questions'
import { promptOf } from '../policy'
import type { PhaseProgress } from '../progress'
import type { Rollout } from '../rollout'
import type { TokenReader } from '../step-tokens'
import type { ChosenAnswers } from './choose-pairs'
import { labels, type LabelledAnswers } from './labels-file'
import type { PrmSettings } from './settings'

export interface LabelAnswersOptions {
  vlm: Pick<Sampler, 'encodeImage' | 'prompt' | 'sample'> & { tokenizer: TokenReader }
  completer: Adapter | undefined
  settings: PrmSettings
  rollouts: JournalReader<Rollout>
  questions: Questions
  chosen: readonly ChosenAnswers[]
  file: string
  head: JournalHead
  signal: AbortSignal
  progress: PhaseProgress
}

/** Sets the seeds of completions apart from those of answers. */
const completionSeed = 1

/** `undefined` where a signal came before all were labelled; what is there stays. */
export async function labelAnswers(
  options: LabelAnswersOptions,
): Promise<Journal<LabelledAnswers> | undefined> {
  const { chosen, file, head, signal, progress } = options
  const stored = await openJournal(file, head, labels, { others: 'refuse' })
  try {
    progress.skip(stored.length)
    while (stored.length < chosen.length && !signal.aborted) {
      await stored.append([await labelled(options, chosen[stored.length])])
      progress.add(1)
    }
  } catch (error) {
    await stored.close()
    throw error
  }
  if (stored.length === chosen.length) return stored
  await stored.close()
  return undefined
}

async function labelled(
  { vlm, completer, settings, rollouts, questions }: LabelAnswersOptions,
  { place, answers }: ChosenAnswers,
): Promise<LabelledAnswers> {
  const { question: number, answers: drawn } = await rollouts.at(place)
  const question = await questions.at(number)
  const { seed, temperature, top_p: topP, top_k: topK, max_new_tokens: maxNewTokens } = settings
  const steps = await labelSteps({
    ...{ sampler: vlm, adapter: completer, question, temperature, topP, topK, maxNewTokens },
    prompt: await promptOf(vlm, settings, question),
    answers: answers.map((answer) => drawn[answer]),
    rule: settings.steps_by,
    completions: settings.num_completions,
    seedOf: (a, step) => [seed, completionSeed, number, answers[a], step],
    ...optionsOf({ scorer: settings.scorer }),
  })
  return { place, answers: answers.map((answer, a) => ({ answer, steps: steps[a] })) }
}
