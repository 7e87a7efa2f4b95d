/** The threshold of a reward model, chosen on answers whose truth is known. */
import { checkList, checkNumber, checkObject } from '@evolmm/internal'
import { EvolmmError } from './errors'

/** The thresholds that are tried, in steps of 0.1, in ascending order. */
const tried = Array.from({ length: 10 }, (_, i) => i / 10)

export interface JudgedAnswer {
  right: boolean | null
  /** The score of the reward model; null where none has looked at it. */
  score: number | null
  /** The number of times that it was drawn. @default 1 */
  count?: number | undefined
}

/**
 * The threshold with the largest share of right answers above it, less the share of wrong answers above it; the lowest of equal
 * ones, which keeps the most. Throws `NO_SCORES` for an answer without a score; answers that nobody can judge are left out.
 *
 * The paper says that its threshold was determined on the validation set in steps of 0.1, and not by what. Whatever is learned
 * is right in the end, so what a threshold is for are answers that are right without sound steps, which nobody has labels
 * for; wrong answers have unsound steps for certain and stand for them here. The share of right ones among what is kept would
 * do as a measure of them, and be largest where one answer alone is left; so what is thrown away of the right ones counts as much
 * as what is let through of the wrong ones. Both are shares of their own kind, so that a policy that answers nearly
 * everything right or wrong gets no threshold that keeps all or nothing.
 */
export function chooseAlpha(answers: readonly JudgedAnswer[]): number {
  checkList('answers', answers)
  const sides = { right: [] as Weighed[], wrong: [] as Weighed[] }
  for (const [i, answer] of answers.entries()) {
    checkObject(`answers[${i}]`, answer)
    const { right, count = 1 } = answer
    checkNumber(`answers[${i}].count`, count, { min: 0 })
    if (right !== null) sides[right ? 'right' : 'wrong'].push({ score: scoreOf(answer), count })
  }
  const worth = (alpha: number) => shareAbove(sides.right, alpha) - shareAbove(sides.wrong, alpha)
  return tried.reduce((best, alpha) => (worth(alpha) > worth(best) ? alpha : best))
}

interface Weighed {
  score: number
  count: number
}

/** None where there are no answers. */
function shareAbove(answers: readonly Weighed[], alpha: number): number {
  const drawn = (some: readonly Weighed[]) => some.reduce((sum, { count }) => sum + count, 0)
  return drawn(answers.filter(({ score }) => score > alpha)) / Math.max(1, drawn(answers))
}

function scoreOf({ score }: JudgedAnswer): number {
  if (typeof score === 'number' && Number.isFinite(score)) return score
  throw new EvolmmError(
    'NO_SCORES',
    `answers: must have a score of each answer to choose a threshold by, got ${String(score)}; score the answers first, or give the threshold`,
  )
}
