/** What answers on disk are, counted in one pass. */
import type { JournalReader } from './journal'
import type { Rollout } from './rollout'

export interface AnswerCounts {
  questions: number
  /** Answers that were drawn, and distinct ones of them. */
  answers: number
  distinct: number
  /** Both count answers that were drawn. */
  right: number
  unreadable: number
  /** Distinct answers that a reward model has scored. */
  scored: number
}

export async function countAnswers(stored: JournalReader<Rollout>): Promise<AnswerCounts> {
  const counts = { questions: stored.length, answers: 0, distinct: 0, right: 0, unreadable: 0, scored: 0 }
  for (let place = 0; place < stored.length; place++)
    for (const { count, right, reading, steps } of (await stored.at(place)).answers) {
      counts.answers += count
      counts.distinct++
      if (right === true) counts.right += count
      if (reading === null) counts.unreadable += count
      if (steps !== null) counts.scored++
    }
  return counts
}
