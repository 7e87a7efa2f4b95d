import { checkFunction, checkList, checkNumber } from '@evolmm/internal'
import type { Reward } from './reward'
import { finite, scoresOf } from './scores-of'

/**
 * Sum of rewards times their weights. A reward that skips a sample adds nothing to it; a sample that all of them
 * skip is skipped.
 */
export function weighted<Sample>(
  ...parts: readonly (readonly [reward: Reward<Sample>, weight: number])[]
): Reward<Sample> {
  for (const part of parts) {
    checkList('rewards with their weights', part)
    checkFunction('reward', part[0])
    checkNumber('weight', part[1])
  }
  return (batch) => {
    const scores = parts.map(([reward]) => scoresOf(reward, batch))
    return finite(
      'weighted',
      batch.map((_sample, index) => {
        let sum: number | null = null
        for (const [part, [, weight]] of parts.entries()) {
          const score = scores[part][index]
          if (score !== null) sum = (sum ?? 0) + weight * score
        }
        return sum
      }),
    )
  }
}
