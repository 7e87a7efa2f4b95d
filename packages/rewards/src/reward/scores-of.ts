/** Rewards are other people's functions: check what they return before it reaches a gradient. */
import { EvolmmError } from '../errors'
import type { Reward } from './reward'

/** `reward(batch)`, which must hold one finite number or `null` for each sample. */
export function scoresOf<Sample>(reward: Reward<Sample>, batch: readonly Sample[]): (number | null)[] {
  const name = reward.name || 'reward'
  const scores: unknown = reward(batch)
  if (!Array.isArray(scores)) throw invalidReward(name, kindOf(scores))
  if (scores.length !== batch.length)
    throw invalidReward(name, `${scores.length} values for ${batch.length} samples`)
  return finite(name, scores as (number | null)[])
}

/** The scores, each of which must be a finite number or `null`. */
export function finite(name: string, scores: (number | null)[]): (number | null)[] {
  const bad = scores.findIndex((score) => score !== null && !Number.isFinite(score))
  if (bad >= 0) throw invalidReward(name, String(scores[bad]))
  return scores
}

function kindOf(value: unknown): string {
  if (value instanceof Promise) return 'a promise, which none waits for here'
  return value === null ? 'null' : typeof value
}

function invalidReward(name: string, got: string): EvolmmError {
  return new EvolmmError(
    'INVALID_REWARD',
    `${name}: must return one finite number or null for each sample, got ${got}; return null to skip a sample`,
  )
}
