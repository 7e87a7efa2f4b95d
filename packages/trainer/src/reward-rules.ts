/**
 * The rewards that a run can learn from by name, a row each. The choices of the settings, what is computed, the record, the
 * log and the table of numbers follow: a further reward is one row, and its name in log and numbers is that of the row.
 */
import {
  continuousProposerReward,
  continuousSolverReward,
  discreteProposerReward,
  discreteSolverReward,
  type ProposerSample,
  type Reward,
  type SolverSample,
} from '@evolmm/rewards'

/** The settings that rewards are made with. */
export interface RewardSettings {
  readonly solver_soft_gamma: number
  readonly len_penalty_weight: number
  readonly len_penalty_target_words: number
  readonly prop_entropy_mu: number
  readonly prop_entropy_sigma: number
}

export interface RewardRule<Sample> {
  make: (settings: RewardSettings) => Reward<Sample>
  /** What the released code calls the rewards in its log, and their mean among its numbers. */
  released?: { key: string; mean?: string }
}

export const solverRewards = {
  continuous: {
    make: (settings: RewardSettings) =>
      continuousSolverReward({
        gamma: settings.solver_soft_gamma,
        lengthPenalty: settings.len_penalty_weight,
        targetWords: settings.len_penalty_target_words,
      }),
    released: { key: 'solver_rewards_soft', mean: 'train/solver_reward_mean_soft' },
  },
  discrete: {
    make: () => discreteSolverReward(),
    released: { key: 'solver_rewards_raw', mean: 'train/solver_reward_mean_raw' },
  },
} satisfies Record<string, RewardRule<SolverSample>>

/** Questions earn the reward of the same name as answers do, or the first where there is none. */
export const proposerRewards = {
  continuous: {
    make: (settings: RewardSettings) => continuousProposerReward(bandOf(settings)),
    released: { key: 'proposer_reward_gauss', mean: 'train/proposer_reward_gauss' },
  },
  discrete: {
    make: (settings: RewardSettings) => discreteProposerReward(bandOf(settings)),
    released: { key: 'proposer_reward_discrete' },
  },
} satisfies Record<string, RewardRule<ProposerSample>>

export type SolverRewardName = keyof typeof solverRewards
export type ProposerRewardName = keyof typeof proposerRewards

export const solverRewardNames = Object.keys(solverRewards) as SolverRewardName[]
export const proposerRewardNames = Object.keys(proposerRewards) as ProposerRewardName[]

/** What an answer, or a question, earns by each of the rewards; `null` for one that was not scored. */
export type SolverRewards = Record<SolverRewardName, number | null>
export type ProposerRewards = Record<ProposerRewardName, number | null>

/** What each sample earns by each reward of the table. */
export function rewardsOf<Sample, Name extends string>(
  rules: Readonly<Record<Name, RewardRule<Sample>>>,
  settings: RewardSettings,
): (batch: readonly Sample[]) => Record<Name, number | null>[] {
  const rewards = Object.entries<RewardRule<Sample>>(rules).map(([name, { make }]) => ({
    name,
    reward: make(settings),
  }))
  return (batch) => {
    const earned = rewards.map(({ name, reward }) => ({ name, all: reward(batch) }))
    return batch.map((_, i) => Object.fromEntries(earned.map(({ name, all }) => [name, all[i]]))) as Record<
      Name,
      number | null
    >[]
  }
}

function bandOf({ prop_entropy_mu: mu, prop_entropy_sigma: sigma }: RewardSettings) {
  return { mu, sigma }
}
