/** The label that a group of answers gives to a question which has none. */
import { checkList, checkNumber, checkObject } from '@evolmm/internal'
import { INVALID, type Answer } from '@evolmm/rewards'

export interface WeightedAnswer {
  /** Equal readings are equal answers; `INVALID` takes no part. */
  reading: Answer
  /** The weight says how much the answer counts: the score of a reward model, or 1 for a plain majority. */
  weight: number
  /** The number of times that the answer was drawn. @default 1 */
  count?: number | undefined
}

/**
 * The reading with the largest sum of weights, the first of equal ones; a weight below 0 counts as 0. `INVALID` where no
 * answer can be read.
 */
export function weightedVote(answers: readonly WeightedAnswer[]): Answer {
  checkList('answers', answers)
  const sums = new Map<string, number>()
  for (const [i, answer] of answers.entries()) {
    checkObject(`answers[${i}]`, answer)
    const { reading, weight, count = 1 } = answer
    checkNumber(`answers[${i}].weight`, weight)
    checkNumber(`answers[${i}].count`, count, { min: 0 })
    if (reading !== INVALID) sums.set(reading, (sums.get(reading) ?? 0) + count * Math.max(0, weight))
  }
  let winner: Answer = INVALID
  let most = -1
  for (const [reading, sum] of sums)
    if (sum > most) {
      winner = reading
      most = sum
    }
  return winner
}
