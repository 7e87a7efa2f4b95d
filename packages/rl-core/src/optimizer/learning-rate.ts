/**
 * Learning rate of a step, counted from 0: a linear rise from 0 over the warm-up steps, then a constant, a straight
 * line or a half cosine down to the minimum at `totalSteps`.
 *
 * The values are those of `get_{constant,linear,cosine}_schedule_with_warmup` in transformers. From `totalSteps` on
 * the rate stays at the minimum (there the cosine of transformers would rise again).
 */
import { checkInteger, checkNames, checkNumber, checkOneOf, rateSchedules } from '@evolmm/internal'

export interface LearningRateOptions {
  schedule: (typeof rateSchedules)[number]
  /** The rate after the warm-up. */
  base: number
  /** Steps of the rise. @default 0 */
  warmupSteps?: number
  /** Steps of the whole run, warm-up included. Needed for `linear` and `cosine`, not used for `constant`. */
  totalSteps?: number
  /** The rate at the end, not used for `constant`. @default 0 */
  minimum?: number
}

/** What is left of the way from the base to the minimum, by progress from 0 to 1. */
const decay = {
  constant: () => 1,
  linear: (progress: number) => 1 - progress,
  cosine: (progress: number) => (1 + Math.cos(Math.PI * progress)) / 2,
}

/** The function from the step to its learning rate. */
export function learningRate(options: LearningRateOptions): (step: number) => number {
  checkNames('learningRate', options, {
    schedule: true,
    base: true,
    warmupSteps: true,
    totalSteps: true,
    minimum: true,
  })
  const schedule = checkOneOf('schedule', options.schedule, rateSchedules)
  const base = checkNumber('base', options.base, { min: 0 })
  const warmup = checkInteger('warmupSteps', options.warmupSteps ?? 0, { min: 0 })
  const constant = schedule === 'constant'
  const total = constant ? Infinity : checkInteger('totalSteps', options.totalSteps, { min: 1 })
  const minimum = constant ? 0 : checkNumber('minimum', options.minimum ?? 0, { min: 0, max: base })

  return (step) => {
    checkInteger('step', step, { min: 0 })
    if (step < warmup) return base * (step / warmup)
    const progress = step < total ? (step - warmup) / (total - warmup) : 1
    return minimum + (base - minimum) * decay[schedule](progress)
  }
}
