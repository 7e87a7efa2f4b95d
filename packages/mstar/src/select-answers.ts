/** What is learned of the answers to a question: the right ones, or those of them that a reward model likes. */
import { checkInteger, checkList, checkNumber, checkObject, checkOneOf } from '@evolmm/internal'
import { drawAt, uniform } from '@evolmm/rl-core'
import { EvolmmError } from './errors'

export interface ScoredAnswer {
  right: boolean | null
  /** The score of the reward model; null where none has looked at it. */
  score: number | null
}

/**
 * - `none` keeps all right answers;
 * - `top-k` keeps the `k` of them with the highest scores, the earlier of equal ones;
 * - `threshold` keeps those whose score is above `alpha`;
 * - `random-k` keeps `k` of them by chance, whatever their scores.
 */
export type Selection =
  | { rule: 'none' }
  | { rule: 'top-k'; k: number }
  | { rule: 'threshold'; alpha: number }
  | { rule: 'random-k'; k: number; seed: number; question: number }

export const selectionRules = ['none', 'top-k', 'threshold', 'random-k'] as const

/** The places of the answers that are kept, in ascending order. Throws `NO_SCORES` where a rule has none to go by. */
export function selectAnswers(answers: readonly ScoredAnswer[], selection: Selection): number[] {
  checkList('answers', answers)
  checkObject('selection', selection)
  checkOneOf('selection.rule', selection.rule, selectionRules)
  const right = [...answers.keys()].filter((i) => answers[i].right === true)
  switch (selection.rule) {
    case 'none':
      return right
    case 'top-k':
      return best(right, checkCount(selection.k), (i) => scoreOf(answers[i]))
    case 'threshold': {
      const alpha = checkNumber('selection.alpha', selection.alpha)
      return right.filter((i) => scoreOf(answers[i]) > alpha)
    }
    case 'random-k': {
      const { seed, question } = selection
      return best(right, checkCount(selection.k), (i) => {
        const { key, counter } = drawAt({ seed, group: question, sample: i })
        return uniform(key, counter)
      })
    }
  }
}

function checkCount(k: number): number {
  return checkInteger('selection.k', k, { min: 1 })
}

function best(places: readonly number[], k: number, worth: (place: number) => number): number[] {
  return [...places]
    .map((place) => ({ place, worth: worth(place) }))
    .sort((a, b) => b.worth - a.worth || a.place - b.place)
    .slice(0, k)
    .map(({ place }) => place)
    .sort((a, b) => a - b)
}

function scoreOf({ score }: ScoredAnswer): number {
  if (score !== null && Number.isFinite(score)) return score
  throw new EvolmmError(
    'NO_SCORES',
    `selection: must have a score of each right answer, got ${String(score)}; score the answers first, or keep all right ones`,
  )
}
