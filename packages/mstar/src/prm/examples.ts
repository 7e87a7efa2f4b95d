/** What a reward model learns of a question: its answers with the values of their steps, read when they are asked for. */
import type { SftExample } from '@evolmm/sft'
import { optionsOf } from '@evolmm/settings'
import type { JournalReader } from '../journal'
import type { Questions } from '../open-questions'
import { questionPrompt } from '../question-prompt'
import type { Rollout } from '../rollout'
import type { LabelledAnswers } from './labels-file'
import type { PrmSettings } from './settings'

export interface LabelledSources {
  rollouts: JournalReader<Rollout>
  labelled: JournalReader<LabelledAnswers>
  questions: Questions
  settings: Pick<PrmSettings, 'question_prompt' | 'system'>
}

/** `line` is the number of the line of labels. */
export async function exampleAt(
  { rollouts, labelled, questions, settings }: LabelledSources,
  line: number,
): Promise<SftExample> {
  const { place, answers } = await labelled.at(line)
  const { question: number, answers: drawn } = await rollouts.at(place)
  const question = await questions.at(number)
  const prompt = questionPrompt(settings)(question)
  return {
    images: question.images,
    turns: answers.map(({ answer, steps }) => {
      const { ids, logProbabilities } = drawn[answer]
      return { prompt, completion: { ids, logProbabilities }, steps }
    }),
    ...optionsOf({ system: settings.system }),
  }
}
