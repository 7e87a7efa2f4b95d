/**
 * Each sample against its group's mean, in units of its group's spread (GRPO): `A_i = (r_i - mean) / (std + 1e-4)`.
 *
 * The spread is the sample standard deviation (divided by n - 1) and the constant is TRL's, so the numbers are
 * those of its GRPO trainer. In a group whose rewards are all equal, or with one scored sample, advantages are 0.
 */
import { checkNames } from '@evolmm/internal'
import { type AdvantageEstimator, centerOf, perGroup, squaredSpread } from './estimator'

export interface GroupNormalizedOptions {
  /** Divide by the spread. `false` only subtracts the mean (Dr. GRPO). @default true */
  scale?: boolean
}

export function groupNormalized(options: GroupNormalizedOptions = {}): AdvantageEstimator<null> {
  checkNames('groupNormalized', options, { scale: true })
  const { scale = true } = options
  return perGroup((scored) => {
    const centre = centerOf(scored)
    const deviation = Math.sqrt(squaredSpread(scored, centre) / Math.max(1, scored.length - 1))
    const unit = scale ? deviation + 1e-4 : 1
    return (reward) => (reward - centre) / unit
  })
}
