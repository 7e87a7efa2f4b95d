/**
 * Advantages brought to mean 0 and variance 1, over all groups together.
 *
 * The variance is that of these values (divided by n). When their standard deviation is below 1e-8 there is no
 * spread but rounding: all become 0 instead of noise blown up to size 1.
 */
import { checkObject } from '@evolmm/internal'
import {
  type AdvantageEstimator,
  type Advantages,
  checkRewards,
  centerOf,
  type Rewards,
  scoredOf,
  squaredSpread,
} from './estimator'

const negligible = 1e-8

/** Whitened advantages, same shape; `null` stays `null`. */
export function whiten(advantages: Rewards): Advantages {
  checkRewards(advantages)
  const scored = scoredOf(advantages.flat())
  const centre = centerOf(scored)
  const deviation = Math.sqrt(squaredSpread(scored, centre) / scored.length)
  const worth = (value: number): number => (deviation < negligible ? 0 : (value - centre) / deviation)
  return advantages.map((group) => group.map((value) => (value === null ? null : worth(value))))
}

/** The estimator with its advantages whitened at each call; its state is as before. */
export function whitened<State>(estimator: AdvantageEstimator<State>): AdvantageEstimator<State> {
  checkObject('estimator', estimator, 'estimate')
  return {
    initial: estimator.initial,
    estimate(rewards, state) {
      const next = estimator.estimate(rewards, state)
      return { advantages: whiten(next.advantages), state: next.state }
    },
  }
}
