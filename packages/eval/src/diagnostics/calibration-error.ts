/** The calibration error says how far predictions are from what came, over bins of them. */
import { checkInteger, checkList, checkNames, checkNumber, checkObject, mean } from '@evolmm/internal'

export interface Prediction {
  /** A share from 0 to 1. */
  predicted: number
  /** What came: 0 or 1, or a share itself. */
  actual: number
}

export interface CalibrationError {
  /** Expected calibration error: mean distance of the means of bins, by their predictions. 0 without any. */
  error: number
  /** Those that hold predictions, in ascending order; [low, high), the last one closed. */
  bins: { low: number; high: number; count: number; predicted: number; actual: number }[]
}

export function calibrationError(
  predictions: readonly Prediction[],
  options: { bins?: number | undefined } = {},
): CalibrationError {
  checkNames('calibrationError', options, { bins: true })
  const bins = checkInteger('bins', options.bins ?? 10, { min: 1 })
  checkList('predictions', predictions)
  const inside = Array.from({ length: bins }, (): Prediction[] => [])
  for (const [i, prediction] of predictions.entries()) {
    checkObject(`predictions[${i}]`, prediction)
    const predicted = checkNumber(`predictions[${i}].predicted`, prediction.predicted, { min: 0, max: 1 })
    checkNumber(`predictions[${i}].actual`, prediction.actual, { min: 0, max: 1 })
    inside[Math.min(Math.floor(predicted * bins), bins - 1)].push(prediction)
  }
  const filled = inside
    .map((some, i) => ({
      ...{ low: i / bins, high: (i + 1) / bins, count: some.length },
      predicted: mean(some.map(({ predicted }) => predicted)),
      actual: mean(some.map(({ actual }) => actual)),
    }))
    .filter(({ count }) => count > 0)
  const error = filled.reduce(
    (sum, { predicted, actual, count }) => sum + (Math.abs(predicted - actual) * count) / predictions.length,
    0,
  )
  return { error, bins: filled }
}
