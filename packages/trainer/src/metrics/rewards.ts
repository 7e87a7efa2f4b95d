/** These numbers say what the rewards of the iteration were, by each rule and by what was learned from. */
import { knownMean } from '@evolmm/internal'
import type { Metric } from '@evolmm/runs'
import type { IterationRecord } from '../record/record'
import { proposerRewards, solverRewards, type RewardRule } from '../reward-rules'
import { answersOf, askedImages, deviation, known, share } from './means'

export const rewardMetrics: readonly Metric<IterationRecord>[] = [
  {
    name: 'reward_std',
    meaning: 'standard deviation of the reward within a group of answers, mean over groups',
    read: (record) => knownMean(groups(record).map(deviation)),
  },
  {
    name: 'frac_reward_zero_std',
    meaning: 'share of groups whose rewards are all equal',
    read: (record) => share(groups(record), (rewards) => rewards.every((each) => each === rewards[0])),
  },
  ...ruleMetrics(solverRewards, { role: 'solver', of: 'answers' }, (record) =>
    answersOf(record).map(({ rewards }) => rewards),
  ),
  ...ruleMetrics(proposerRewards, { role: 'proposer', of: 'questions' }, ({ images }) =>
    images.map((image) => image.proposerRewards),
  ),
]

/** The mean and the deviation of each reward of a table, whichever is learned from. */
function ruleMetrics<Name extends string>(
  rules: Readonly<Record<Name, RewardRule<never>>>,
  { role, of }: { role: string; of: string },
  rewardsIn: (record: IterationRecord) => readonly Readonly<Record<Name, number | null>>[],
): Metric<IterationRecord>[] {
  return (Object.keys(rules) as Name[]).flatMap((rule): Metric<IterationRecord>[] => {
    const values = (record: IterationRecord) => known(rewardsIn(record), ({ [rule]: reward }) => reward)
    const name = `rewards/${role}_${rule}`
    const mean = rules[rule].released?.mean
    return [
      {
        name: mean ?? `${name}/mean`,
        ...(mean !== undefined && { aliases: [`${name}/mean`] }),
        meaning: `${role}'s ${rule} reward, mean over ${of}`,
        read: (record) => knownMean(values(record)),
      },
      {
        name: `${name}/std`,
        meaning: 'its standard deviation',
        read: (record) => deviation(values(record)),
      },
    ]
  })
}

/** Rewards that were learned from, by question. */
function groups(record: IterationRecord): number[][] {
  return askedImages(record)
    .map(({ answers }) => known(answers, ({ reward }) => reward))
    .filter((rewards) => rewards.length > 0)
}
