/** What a group of samples of one question says together. */
import { mean } from '@evolmm/internal'
import type { AnswerCount } from './majority-at-k'

/** One answer as it was understood. */
export interface JudgedAnswer {
  /** Equal keys are equal answers; null was not understood and agrees with nothing. */
  key: string | null
  /** null when nobody knows the right answer. */
  right: boolean | null
}

export interface Vote {
  /** The answers with their counts, most frequent first. */
  answers: AnswerCount[]
  /** Share of the most frequent answer. */
  agreement: number
  /** What the most frequent answer is worth; the mean of those that tie. */
  correct: number
  /** Those that tie for being the most frequent. */
  winners: (string | null)[]
}

export function vote(samples: readonly JudgedAnswer[]): Vote {
  const groups = new Map<string, JudgedAnswer[]>()
  for (const [i, sample] of samples.entries()) {
    const key = sample.key === null ? `null ${i}` : `key ${sample.key}`
    groups.set(key, [...(groups.get(key) ?? []), sample])
  }
  const answers = [...groups.values()]
    .map((group) => ({
      key: group[0].key,
      count: group.length,
      correct: group.filter(({ right }) => right === true).length / group.length,
    }))
    .sort((a, b) => b.count - a.count)
  const winners = answers.filter(({ count }) => count === answers[0].count)
  return {
    answers: answers.map(({ count, correct }) => ({ count, correct })),
    agreement: answers[0].count / samples.length,
    correct: mean(winners.map(({ correct }) => correct)),
    winners: winners.map(({ key }) => key),
  }
}
