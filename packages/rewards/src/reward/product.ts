import { checkFunction } from '@evolmm/internal'
import type { Reward } from './reward'
import { finite, scoresOf } from './scores-of'

/** Product of rewards; a sample that one of them skips is skipped. */
export function product<Sample>(...rewards: readonly Reward<Sample>[]): Reward<Sample> {
  for (const reward of rewards) checkFunction('reward', reward)
  return (batch) => {
    const scores = rewards.map((reward) => scoresOf(reward, batch))
    return finite(
      'product',
      batch.map((_sample, index) =>
        scores.reduce<number | null>((total, { [index]: score }) => {
          return total === null || score === null ? null : total * score
        }, 1),
      ),
    )
  }
}
