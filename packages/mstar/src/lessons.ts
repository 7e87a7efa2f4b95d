/** What a cycle learns: the answers that were kept, in random order, each read again when its step comes. */
import { shuffledOrder } from '@evolmm/dataset'
import type { SftExample } from '@evolmm/sft'
import { optionsOf } from '@evolmm/settings'
import { answerScore } from './answer-score'
import type { Questions } from './open-questions'
import { questionPrompt } from './question-prompt'
import type { GeneratedRecord } from './record'
import type { RolloutsFile } from './rollouts-file'
import { selectAnswers, type Selection } from './select-answers'
import type { MstarSettings } from './settings'

export interface Lessons {
  readonly length: number
  /** The examples from `start` up to, not including, `end`. */
  some: (start: number, end: number) => Promise<SftExample[]>
  /** What was generated; null where nothing was. */
  generated: GeneratedRecord | null
}

export interface LessonsOptions {
  settings: MstarSettings
  questions: Questions
  cycle: number
}

/** The answers that the selection keeps. Their places alone are held in memory. */
export async function keptAnswers(
  rollouts: RolloutsFile,
  { settings, questions, cycle }: LessonsOptions,
): Promise<Lessons> {
  const [places, answers]: [number[], number[]] = [[], []]
  const counts = { questions: rollouts.length, answers: 0, distinct: 0, right: 0, unreadable: 0, useful: 0 }
  for (let place = 0; place < rollouts.length; place++) {
    const { question, answers: drawn } = await rollouts.at(place)
    const candidates = drawn.map(({ right, steps }) => ({ right, score: steps && answerScore(steps) }))
    const kept = selectAnswers(candidates, selectionOf(settings, cycle, question))
    for (const { count, right, reading } of drawn) {
      counts.answers += count
      if (right === true) counts.right += count
      if (reading === null) counts.unreadable += count
    }
    counts.distinct += drawn.length
    counts.useful += Number(kept.length > 0)
    places.push(...kept.map(() => place))
    answers.push(...kept)
  }
  const prompt = questionPrompt(settings)
  return {
    length: places.length,
    generated: {
      ...counts,
      right: counts.right / Math.max(1, counts.answers),
      unreadable: counts.unreadable / Math.max(1, counts.answers),
      kept: places.length,
    },
    some: inOrder(places.length, { settings, cycle }, async (i) => {
      const { question: number, answers: drawn } = await rollouts.at(places[i])
      const question = await questions.at(number)
      const { ids, logProbabilities } = drawn[answers[i]]
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
  { settings, questions, cycle }: LessonsOptions,
): Promise<Lessons> {
  const labelled: number[] = []
  for await (const { number, answers } of questions.some(numbers)) if (answers !== null) labelled.push(number)
  const prompt = questionPrompt(settings)
  return {
    length: labelled.length,
    generated: null,
    some: inOrder(labelled.length, { settings, cycle }, async (i) => {
      const question = await questions.at(labelled[i])
      return {
        images: question.images,
        turns: [{ prompt: prompt(question), completion: `The answer is ${question.answers?.[0] ?? ''}.` }],
        ...optionsOf({ system: settings.system }),
      }
    }),
  }
}

function inOrder(
  length: number,
  { settings, cycle }: Pick<LessonsOptions, 'settings' | 'cycle'>,
  lesson: (i: number) => Promise<SftExample>,
): Lessons['some'] {
  const order = length === 0 ? [] : shuffledOrder({ length, seed: settings.seed, epoch: cycle })
  return async (start, end) => {
    const examples: SftExample[] = []
    for (const i of order.slice(start, end)) examples.push(await lesson(i))
    return examples
  }
}

function selectionOf(
  { selection: rule, select_k: k, select_alpha: alpha, seed }: MstarSettings,
  cycle: number,
  question: number,
): Selection {
  switch (rule) {
    case 'none':
      return { rule }
    case 'top-k':
      return { rule, k }
    case 'threshold':
      return { rule, alpha }
    case 'random-k':
      return { rule, k, seed: seed + cycle, question }
  }
}
