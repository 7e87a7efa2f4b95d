/** Rewards are other people's functions: check what they return before it reaches a gradient. */
import { EvolmmError } from '@evolmm/internal'
import type { Reward } from './reward'

/** `reward(batch)`, which must hold one finite number or `null` for each sample. */
export function scoresOf<Sample>(reward: Reward<Sample>, batch: readonly Sample[]): (number | null)[] {
  const scores = reward(batch)
  const bad = scores.findIndex((score) => score !== null && !Number.isFinite(score))
  if (scores.length !== batch.length || bad >= 0) {
    const got = bad < 0 ? `${scores.length} values for ${batch.length} samples` : String(scores[bad])
    throw new EvolmmError(
      'INVALID_REWARD',
      `${reward.name || 'reward'}: must return one finite number or null for each sample, got ${got}; return null to skip a sample`,
    )
  }
  return scores
}
