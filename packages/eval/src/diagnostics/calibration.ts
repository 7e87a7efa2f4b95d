/** Does agreement predict being right? Over questions, each with the share of its most frequent answer. */
import { checkInteger, checkNumber, mean } from '@evolmm/internal'

export interface Agreement {
  /** Share of the samples that gave the most frequent answer, in (0, 1]. */
  agreement: number
  /** What that answer is worth: 1 if right, 0 if wrong, between for a tie. */
  correct: number
}

export interface Calibration {
  /** Those that hold questions, by agreement; [low, high), the last one closed. */
  bins: { low: number; high: number; questions: number; agreement: number; accuracy: number }[]
  /** Expected calibration error: mean distance of agreement and accuracy over bins, by their questions. */
  error: number
  /** Probability that a right answer had more agreement than a wrong one, ties one half; null if all are alike. */
  auc: number | null
}

export function calibration(
  questions: readonly Agreement[],
  { bins = 10 }: { bins?: number } = {},
): Calibration {
  checkInteger('bins', bins, { min: 1 })
  for (const { agreement, correct } of questions) {
    checkNumber('agreement', agreement, { above: 0, max: 1 })
    checkNumber('correct', correct, { min: 0, max: 1 })
  }
  const filled = Array.from({ length: bins }, (_, i) => {
    const inside = questions.filter(({ agreement }) => Math.min(Math.floor(agreement * bins), bins - 1) === i)
    return {
      low: i / bins,
      high: (i + 1) / bins,
      questions: inside.length,
      agreement: mean(inside.map(({ agreement }) => agreement)),
      accuracy: mean(inside.map(({ correct }) => correct)),
    }
  }).filter((bin) => bin.questions > 0)
  return {
    bins: filled,
    error: filled.reduce(
      (sum, bin) => sum + (Math.abs(bin.agreement - bin.accuracy) * bin.questions) / questions.length,
      0,
    ),
    auc: areaUnderCurve(questions),
  }
}

/** The area is computed from ranks (Mann-Whitney); a question that is partly right counts in part on both sides. */
function areaUnderCurve(questions: readonly Agreement[]): number | null {
  const sorted = [...questions].sort((a, b) => a.agreement - b.agreement)
  let wrongBelow = 0
  let won = 0
  let right = 0
  for (let start = 0; start < sorted.length;) {
    let end = start
    let rightHere = 0
    for (; end < sorted.length && sorted[end].agreement === sorted[start].agreement; end++)
      rightHere += sorted[end].correct
    const wrongHere = end - start - rightHere
    won += rightHere * (wrongBelow + wrongHere / 2)
    right += rightHere
    wrongBelow += wrongHere
    start = end
  }
  return right === 0 || wrongBelow === 0 ? null : won / (right * wrongBelow)
}
