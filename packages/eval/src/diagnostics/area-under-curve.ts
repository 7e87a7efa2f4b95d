/** The area under the curve says how well a number tells what is right from what is wrong. */
import { checkList, checkNumber, checkObject } from '@evolmm/internal'

export interface ScoredExample {
  score: number
  /** 1 if right, 0 if wrong, between for what is right in part. */
  right: number
}

/**
 * The probability that what is right has a higher score than what is wrong, ties one half; null if all are alike. It is computed
 * from ranks (Mann-Whitney); what is right in part counts in part on both sides.
 */
export function areaUnderCurve(examples: readonly ScoredExample[]): number | null {
  checkList('examples', examples)
  for (const [i, example] of examples.entries()) {
    checkObject(`examples[${i}]`, example)
    checkNumber(`examples[${i}].score`, example.score)
    checkNumber(`examples[${i}].right`, example.right, { min: 0, max: 1 })
  }
  const sorted = [...examples].sort((a, b) => a.score - b.score)
  let wrongBelow = 0
  let won = 0
  let right = 0
  for (let start = 0; start < sorted.length;) {
    let end = start
    let rightHere = 0
    for (; end < sorted.length && sorted[end].score === sorted[start].score; end++)
      rightHere += sorted[end].right
    const wrongHere = end - start - rightHere
    won += rightHere * (wrongBelow + wrongHere / 2)
    right += rightHere
    wrongBelow += wrongHere
    start = end
  }
  return right === 0 || wrongBelow === 0 ? null : won / (right * wrongBelow)
}
