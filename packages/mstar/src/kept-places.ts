/** The answers on disk that are learned. Their places alone are held in memory. */
import { answerScore } from './answer-score'
import type { JournalReader } from './journal'
import type { Questions } from './open-questions'
import type { GeneratedRecord } from './record'
import type { RolledAnswer, Rollout } from './rollout'
import { selectAnswers, type Selection } from './select-answers'
import { weightedVote } from './weighted-vote'

/** Answers to questions of one file. */
export interface AnsweredQuestions {
  rollouts: JournalReader<Rollout>
  questions: Questions
  /** True takes for right what most answers to a question say, each by its score. */
  isVoted: boolean
}

export interface KeptPlace {
  /** The number of the file, the place of the question in it, and that of the answer. */
  source: number
  place: number
  answer: number
}

export interface KeptPlaces {
  kept: KeptPlace[]
  counts: Omit<GeneratedRecord, 'kept'>
}

export async function keptPlaces(
  sources: readonly AnsweredQuestions[],
  selection: (question: number) => Selection,
): Promise<KeptPlaces> {
  const kept: KeptPlace[] = []
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
  const drawn = Math.max(1, counts.answers)
  return { kept, counts: { ...counts, right: counts.right / drawn, unreadable: counts.unreadable / drawn } }
}

/** The answers at a place; where nobody knows the right one, with what the vote takes for right. */
export async function labelled({ rollouts, isVoted }: AnsweredQuestions, place: number): Promise<Rollout> {
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
