/** Does agreement predict being right? Over questions, each with the share of its most frequent answer. */
import { checkNumber } from '@evolmm/internal'
import { areaUnderCurve } from './area-under-curve'
import { calibrationError } from './calibration-error'

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
  { bins: count = 10 }: { bins?: number } = {},
): Calibration {
  for (const { agreement } of questions) checkNumber('agreement', agreement, { above: 0, max: 1 })
  const { error, bins } = calibrationError(
    questions.map(({ agreement, correct }) => ({ predicted: agreement, actual: correct })),
    { bins: count },
  )
  return {
    bins: bins.map(({ count: inside, predicted, actual, ...bounds }) => ({
      ...bounds,
      ...{ questions: inside, agreement: predicted, accuracy: actual },
    })),
    error,
    auc: areaUnderCurve(questions.map(({ agreement, correct }) => ({ score: agreement, right: correct }))),
  }
}
