/** Answers for a reward model, as many right as wrong, and as many to choices as to free questions. */
import { checkInteger, checkList, checkNames } from '@evolmm/internal'
import { shuffledOrder } from '@evolmm/dataset'

export interface LabelledAnswer {
  right: boolean
  /** True for a question with options. */
  choice: boolean
}

export interface BalanceOptions {
  /** The number of answers that are wanted at most. */
  size: number
  /** @default 0 */
  seed?: number | undefined
}

/**
 * The places of the answers that are taken, in ascending order, drawn at random. Each of the kinds that are there (right or
 * wrong, choice or free) has equally many, which is what the rarest has, or less. Where all questions are of one kind, right
 * and wrong alone are balanced.
 */
export function balancePairs(answers: readonly LabelledAnswer[], options: BalanceOptions): number[] {
  checkNames('balancePairs', options, { size: true, seed: true })
  checkList('answers', answers)
  const size = checkInteger('size', options.size, { min: 0 })
  if (answers.length === 0) return []
  const kinds = [true, false].filter((choice) => answers.some((answer) => answer.choice === choice))
  const cells = kinds.flatMap((choice) => [
    { choice, right: true, places: [] as number[] },
    { choice, right: false, places: [] as number[] },
  ])
  for (const place of shuffledOrder({ length: answers.length, seed: options.seed ?? 0, epoch: 0 }))
    cells
      .find(({ choice, right }) => choice === answers[place].choice && right === answers[place].right)
      ?.places.push(place)
  const each = Math.min(Math.floor(size / cells.length), ...cells.map(({ places }) => places.length))
  return cells.flatMap(({ places }) => places.slice(0, each)).sort((a, b) => a - b)
}
