/** What a cycle learns: the answers that were kept, in random order, each read again when its step comes. */
import { shuffledOrder } from '@evolmm/dataset'
import type { SftExample } from '@evolmm/sft'
import { optionsOf } from '@evolmm/settings'
import { answerScore } from './answer-score'
import type { Questions } from './open-questions'
import { questionPrompt } from './question-prompt'
import type { GeneratedRecord } from './record'
import type { RolledAnswer, Rollout } from './rollout'
import type { RolloutsFile } from './rollouts-file'
import { selectAnswers } from './select-answers'
import { selectionOf } from './selection-of'
import type { MstarSettings } from './settings'
import { weightedVote } from './weighted-vote'

export interface Lessons {
  readonly length: number
  /** The examples from `start` up to, not including, `end`. */
  some: (start: number, end: number) => Promise<SftExample[]>
  /** What was generated; null where nothing was. */
  generated: GeneratedRecord | null
}

export interface LessonsOptions {
  settings: MstarSettings
  cycle: number
  /** The score above which answers are kept, where that is what counts. */
  alpha: number | null
}

/** Answers to questions of one file. */
export interface AnsweredQuestions {
  rollouts: RolloutsFile
  questions: Questions
  /** True takes for right what most answers to a question say, each by its score. */
  isVoted: boolean
}

/** The answers that the selection keeps. Their places alone are held in memory. */
export async function keptAnswers(
  sources: readonly AnsweredQuestions[],
  { settings, cycle, alpha }: LessonsOptions,
): Promise<Lessons> {
  const selection = selectionOf({ ...settings, select_alpha: alpha }, cycle)
  const kept: Place[] = []
  const counts = { questions: 0, answers: 0, distinct: 0, right: 0, unreadable: 0, useful: 0 }
  for (const [s, source] of sources.entries())
    for (let place = 0; place < source.rollouts.length; place++) {
      const { question, answers } = await labelled(source, place)
      const candidates = answers.map(({ right, steps }) => ({ right, score: steps && answerScore(steps) }))
      const chosen = selectAnswers(candidates, selection(question + s * 2 ** 31))
      for (const { count, right, reading } of answers) {
        counts.answers += count
        if (right === true) counts.right += count
        if (reading === null) counts.unreadable += count
      }
      counts.questions++
      counts.distinct += answers.length
      counts.useful += Number(chosen.length > 0)
      kept.push(...chosen.map((answer) => ({ source: s, place, answer })))
    }
  const prompt = questionPrompt(settings)
  const length = Math.min(kept.length, settings.most_lessons ?? kept.length)
  return {
    length,
    generated: {
      ...counts,
      right: counts.right / Math.max(1, counts.answers),
      unreadable: counts.unreadable / Math.max(1, counts.answers),
      kept: length,
    },
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

interface Place {
  source: number
  place: number
  answer: number
}

/** The answers at a place; where nobody knows the right one, with what the vote takes for right. */
async function labelled({ rollouts, isVoted }: AnsweredQuestions, place: number): Promise<Rollout> {
  const rollout = await rollouts.at(place)
  if (!isVoted) return rollout
  const weightOf = ({ steps }: RolledAnswer) => (steps === null ? 1 : (answerScore(steps) ?? 0))
  const winner = weightedVote(rollout.answers.map((answer) => ({ ...answer, weight: weightOf(answer) })))
  const answers = rollout.answers.map((answer) => ({
    ...answer,
    right: answer.reading !== null && answer.reading === winner,
  }))
  return { ...rollout, answers }
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
    generated: null,
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
