/** Lists that lie in parts with the processes of a group, in the order of their ranks. */
import type { ProcessGroup } from '@evolmm/rl-core'
import { EvolmmError } from './errors'

/** The number of items of the whole list that come before this process's own `count`. */
export async function placesBefore(group: ProcessGroup, count: number): Promise<number> {
  const counts = await group.gather(count)
  return counts.slice(0, group.rank).reduce((sum, each) => sum + each, 0)
}

export interface OwnReward<T> {
  /** The setting that the function came by, and what the samples are called, for the message of an error. */
  setting: string
  of: string
  reward: (batch: readonly T[]) => (number | null)[] | Promise<(number | null)[]>
}

/**
 * The rewards of this process's samples by a function over all of them. The process of rank 0 alone calls it, since it
 * need not say the same twice; nobody calls it for nothing. Throws `INVALID_REWARD`.
 */
export async function ownRewards<T>(
  group: ProcessGroup,
  own: readonly T[],
  { setting, of, reward }: OwnReward<T>,
): Promise<readonly (number | null)[]> {
  const parts = await group.gather(own)
  const all = parts.flat()
  if (all.length === 0) return []
  const rewards: unknown = await group.share(group.rank === 0 ? await reward(all) : [])
  if (!Array.isArray(rewards) || rewards.length !== all.length)
    throw new EvolmmError(
      'INVALID_REWARD',
      `${setting}: must return a list with a reward for each of ${all.length} ${of}, got ` +
        `${Array.isArray(rewards) ? rewards.length : typeof rewards}; null is for one without`,
      { details: { option: setting } },
    )
  const first = parts.slice(0, group.rank).flat().length
  return (rewards as (number | null)[]).slice(first, first + own.length)
}
