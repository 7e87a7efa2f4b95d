/** The report of a reward model says how good it is on steps that it has not learned, of images that it has not seen. */
import { areaUnderCurve, calibrationError, type CalibrationError } from '@evolmm/eval'
import { checkList, checkObject, mean } from '@evolmm/internal'
import { answerScore } from '../answer-score'

export interface JudgedSteps {
  /** True for an answer that is right in the end. */
  right: boolean
  /** The steps of the answer in their order. */
  steps: readonly JudgedStep[]
}

export interface JudgedStep {
  /** What the reward model says. */
  predicted: number
  /** The share of completions that came to the right answer. */
  value: number
}

export interface RewardReport {
  answers: number
  steps: number
  /** Probability that a step of value above 1/2 is scored above one of at most 1/2, ties one half; null if all are alike. */
  stepAuc: number | null
  /** Probability that a right answer is scored above a wrong one by its least step, ties one half; null if all are alike. */
  answerAuc: number | null
  /**
   * Mean squared distance of what is said of a step from its value, and that of saying the mean of all values of each; null
   * without any.
   */
  squaredError: number | null
  baselineError: number | null
  /** What is said of a step beside its value; it counts as 0 below 0 and as 1 above 1. */
  calibration: CalibrationError
}

/** Throws `INVALID_OPTION`. */
export function rewardReport(answers: readonly JudgedSteps[]): RewardReport {
  checkList('answers', answers)
  for (const [i, answer] of answers.entries()) {
    checkObject(`answers[${i}]`, answer)
    checkList(`answers[${i}].steps`, answer.steps)
    for (const [s, step] of answer.steps.entries()) checkObject(`answers[${i}].steps[${s}]`, step)
  }
  const steps = answers.flatMap((answer) => answer.steps)
  const average = mean(steps.map(({ value }) => value))
  return {
    answers: answers.length,
    steps: steps.length,
    stepAuc: areaUnderCurve(
      steps.map(({ predicted, value }) => ({ score: predicted, right: Number(value > 0.5) })),
    ),
    answerAuc: areaUnderCurve(
      answers.flatMap(({ right, steps: own }) => {
        const score = answerScore(own.map(({ predicted }) => predicted))
        return score === null ? [] : [{ score, right: Number(right) }]
      }),
    ),
    squaredError:
      steps.length === 0 ? null : mean(steps.map(({ predicted, value }) => (predicted - value) ** 2)),
    baselineError: steps.length === 0 ? null : mean(steps.map(({ value }) => (average - value) ** 2)),
    calibration: calibrationError(
      steps.map(({ predicted, value }) => ({
        predicted: Math.min(1, Math.max(0, predicted)),
        actual: value,
      })),
    ),
  }
}
