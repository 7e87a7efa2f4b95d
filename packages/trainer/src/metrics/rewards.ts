/** Rewards by either rule, and what was learned from. */
import { knownMean } from '@evolmm/internal'
import type { Metric } from '@evolmm/runs'
import { panels } from '../record/panels'
import type { ImageRecord, IterationRecord } from '../record/record'
import { answersOf, askedImages, deviation, known, share } from './means'

export const rewardMetrics: readonly Metric<IterationRecord>[] = [
  {
    name: 'reward',
    meaning: 'what the solver learned from, mean over answers',
    read: (record) => knownMean(answersOf(record).map(({ reward }) => reward)),
    status: 'reward',
    compared: 'Reward of the solver',
    label: 'solver',
    panel: panels.reward.title,
    title: 'Reward of the solver',
    chart: {
      note: 'Mean over the answers. If all of them earn the same for a long time, the model no longer learns.',
      span: [0, 1],
      alarm: 'reward-variance',
    },
  },
  {
    name: 'reward_std',
    meaning: 'its standard deviation within a group of answers, mean over groups',
    read: (record) => knownMean(groups(record).map(deviation)),
  },
  {
    name: 'frac_reward_zero_std',
    meaning: 'share of groups whose rewards are all equal',
    read: (record) => share(groups(record), (rewards) => rewards.every((each) => each === rewards[0])),
  },
  {
    name: 'train/solver_reward_mean_soft',
    aliases: ['rewards/solver_continuous/mean'],
    meaning: "solver's continuous reward, mean over answers",
    read: (record) => knownMean(solverRewards(record, 'continuous')),
  },
  {
    name: 'rewards/solver_continuous/std',
    meaning: 'its standard deviation',
    read: (record) => deviation(solverRewards(record, 'continuous')),
  },
  {
    name: 'train/solver_reward_mean_raw',
    aliases: ['rewards/solver_discrete/mean'],
    meaning: "solver's discrete reward, mean over answers",
    read: (record) => knownMean(solverRewards(record, 'discrete')),
  },
  {
    name: 'rewards/solver_discrete/std',
    meaning: 'its standard deviation',
    read: (record) => deviation(solverRewards(record, 'discrete')),
  },
  {
    name: 'train/proposer_reward_gauss',
    aliases: ['rewards/proposer_continuous/mean'],
    meaning: "proposer's continuous reward, mean over questions",
    read: ({ images }) => knownMean(proposerRewards(images, 'continuous')),
  },
  {
    name: 'rewards/proposer_continuous/std',
    meaning: 'its standard deviation',
    read: ({ images }) => deviation(proposerRewards(images, 'continuous')),
  },
  {
    name: 'rewards/proposer_discrete/mean',
    meaning: "proposer's discrete reward, mean over questions",
    read: ({ images }) => knownMean(proposerRewards(images, 'discrete')),
  },
  {
    name: 'rewards/proposer_discrete/std',
    meaning: 'its standard deviation',
    read: ({ images }) => deviation(proposerRewards(images, 'discrete')),
  },
]

type Rule = 'continuous' | 'discrete'

/** Rewards that were learned from, by question. */
function groups(record: IterationRecord): number[][] {
  return askedImages(record)
    .map(({ answers }) => known(answers, ({ reward }) => reward))
    .filter((rewards) => rewards.length > 0)
}

function solverRewards(record: IterationRecord, rule: Rule): number[] {
  return known(answersOf(record), ({ rewards }) => rewards[rule])
}

function proposerRewards(images: readonly ImageRecord[], rule: Rule): number[] {
  return known(images, (image) => image.proposerRewards[rule])
}
