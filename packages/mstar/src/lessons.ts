/** What a cycle learns: the answers that were kept, in random order, each read again when its step comes. */
import { shuffledOrder } from '@evolmm/dataset'
import type { SftExample } from '@evolmm/sft'
import { optionsOf } from '@evolmm/settings'
import { examplesOf } from './examples'
import { keptPlaces, type AnsweredQuestions } from './kept-places'
import type { Questions } from './open-questions'
import { questionPrompt } from './question-prompt'
import type { ExampleRecord, GeneratedRecord } from './record'
import { selectionOf } from './selection-of'
import type { MstarSettings } from './settings'

export interface Lessons {
  readonly length: number
  /** The examples from `start` up to, not including, `end`. */
  some: (start: number, end: number) => Promise<SftExample[]>
  /** What was generated, and some of it; null where nothing was. */
  generated: GeneratedRecord | null
  examples: readonly ExampleRecord[] | null
}

export interface LessonsOptions {
  settings: MstarSettings
  cycle: number
  /** The score above which answers are kept, where that is what counts. */
  alpha: number | null
}

/** The answers that the selection keeps. Their places alone are held in memory. */
export async function keptAnswers(
  sources: readonly AnsweredQuestions[],
  { settings, cycle, alpha }: LessonsOptions,
): Promise<Lessons> {
  const selection = selectionOf({ ...settings, select_alpha: alpha }, cycle)
  const { kept, counts } = await keptPlaces(sources, selection)
  const prompt = questionPrompt(settings)
  const length = Math.min(kept.length, settings.most_lessons ?? kept.length)
  return {
    length,
    generated: { ...counts, kept: length },
    examples: await examplesOf(sources, kept, settings.steps_by),
    some: inOrder({ of: kept.length, length }, { settings, cycle }, async (i) => {
      const { source, place, answer } = kept[i]
      const { rollouts, questions } = sources[source]
      const { question: number, answers: drawn } = await rollouts.at(place)
      const question = await questions.at(number)
      const { ids, logProbabilities } = drawn[answer]
      return {
        images: question.images,
        turns: [{ prompt: prompt(question), completion: { ids, logProbabilities } }],
        ...optionsOf({ system: settings.system }),
      }
    }),
  }
}

/** The answers that come with the questions, bare. Questions without any are left out. */
export async function bareAnswers(
  numbers: readonly number[],
  questions: Questions,
  { settings, cycle }: Omit<LessonsOptions, 'alpha'>,
): Promise<Lessons> {
  const labelled: number[] = []
  for await (const { number, answers } of questions.some(numbers)) if (answers !== null) labelled.push(number)
  const prompt = questionPrompt(settings)
  return {
    length: labelled.length,
    ...{ generated: null, examples: null },
    some: inOrder({ of: labelled.length, length: labelled.length }, { settings, cycle }, async (i) => {
      const question = await questions.at(labelled[i])
      return {
        images: question.images,
        turns: [{ prompt: prompt(question), completion: `The answer is ${question.answers?.[0] ?? ''}.` }],
        ...optionsOf({ system: settings.system }),
      }
    }),
  }
}

/** The first `length` of all in random order. */
function inOrder(
  { of, length }: { of: number; length: number },
  { settings, cycle }: Omit<LessonsOptions, 'alpha'>,
  lesson: (i: number) => Promise<SftExample>,
): Lessons['some'] {
  const order = of === 0 ? [] : shuffledOrder({ length: of, seed: settings.seed, epoch: cycle })
  return async (start, end) => {
    const examples: SftExample[] = []
    for (const i of order.slice(start, Math.min(end, length))) examples.push(await lesson(i))
    return examples
  }
}
