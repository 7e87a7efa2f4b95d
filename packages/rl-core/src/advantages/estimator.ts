/**
 * What all advantage estimators share: the shapes, the check of their input, and the mean.
 *
 * Rewards come as one array per group (the samples of one image or prompt). Advantages have the same shape. A reward
 * of `null` is a sample that was not scored: its advantage is `null`, and no baseline, mean or spread counts it.
 * Estimators are pure. Their state is plain JSON data that the caller keeps and hands back; it is never mutated.
 */
import { checkList } from '@evolmm/internal'
import { EvolmmError } from '../errors'

/** `[group][sample]`; `null` for a sample that was not scored. */
export type Rewards = readonly (readonly (number | null)[])[]

/** Same shape as the rewards; `null` where the reward is. */
export type Advantages = (number | null)[][]

export interface AdvantageEstimator<State> {
  /** The state before the first call. */
  readonly initial: State
  /** Advantages of these rewards, and the state for the next call. A non-finite reward is `INVALID_REWARD`. */
  estimate(rewards: Rewards, state: State): { advantages: Advantages; state: State }
}

/**
 * A stateless estimator that looks at one group at a time: `rule` gets the scored rewards of a group and returns
 * what a reward of that group is worth.
 */
export function perGroup(rule: (scored: readonly number[]) => (reward: number) => number) {
  return {
    initial: null,
    estimate(rewards: Rewards): { advantages: Advantages; state: null } {
      checkRewards(rewards)
      const advantages = rewards.map((group) => {
        const worth = rule(scoredOf(group))
        return group.map((reward) => (reward === null ? null : worth(reward)))
      })
      return { advantages, state: null }
    },
  } satisfies AdvantageEstimator<null>
}

/** Every reward is a finite number or `null`; anything else would poison baselines for good. */
export function checkRewards(rewards: Rewards): void {
  checkList('rewards', rewards)
  for (const [group, samples] of rewards.entries()) {
    checkList(`rewards[${group}]`, samples)
    for (const [sample, reward] of samples.entries())
      if (reward !== null && !Number.isFinite(reward))
        throw new EvolmmError(
          'INVALID_REWARD',
          `rewards[${group}][${sample}]: must be a finite number or null, got ${reward}; use null for a sample without a score`,
          { details: { group, sample, reward } },
        )
  }
}

export function scoredOf(group: readonly (number | null)[]): number[] {
  return group.filter((reward) => reward !== null)
}

/** The mean as a distance from the first value, so that equal values give exactly that value. */
export function centerOf(values: readonly number[]): number {
  const first = values[0]
  let sum = 0
  for (const value of values) sum += value - first
  return first + sum / values.length
}

/** Sum of squared distances from `centre`. */
export function squaredSpread(values: readonly number[], centre: number): number {
  let sum = 0
  for (const value of values) sum += (value - centre) ** 2
  return sum
}
