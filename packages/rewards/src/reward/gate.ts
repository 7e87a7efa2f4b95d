import { checkFunction, checkNumber } from '@evolmm/internal'
import type { Reward } from './reward'
import { scoresOf } from './scores-of'

/**
 * `reward` for samples that pass `condition`; `otherwise` (0, or `null` to skip) for the rest. The reward still sees
 * the whole batch, so that a sample that fails counts in its group.
 */
export function gate<Sample>(
  condition: (sample: Sample) => boolean,
  reward: Reward<Sample>,
  otherwise: number | null = 0,
): Reward<Sample> {
  checkFunction('condition', condition)
  checkFunction('reward', reward)
  if (otherwise !== null) checkNumber('otherwise', otherwise)
  return (batch) => {
    const scores = scoresOf(reward, batch)
    return batch.map((sample, index) => (condition(sample) ? scores[index] : otherwise))
  }
}
