/** What a role's update was like. */
import type { Metric } from '@evolmm/runs'
import type { IterationRecord, UpdateRecord } from '../record'
import type { Role } from '../role'
import { rewardPanel } from './rewards'

export const distancePanel = 'How far from the start'
export const machineryPanel = 'The machinery'

/** A row of each role, and what only that of one role has: TRL's names, which are those of a policy, are the solver's. */
interface UpdateRow extends Omit<Metric<IterationRecord>, 'name' | 'read'> {
  name: (role: Role) => string
  read: (update: UpdateRecord) => number | null
  only?: Partial<Record<Role, Partial<Metric<IterationRecord>>>>
}

const own = (name: string) => (role: Role) => `${role}/${name}`
/** The released code says "_mean" of the solver alone, which learns from several answers. */
const released = (name: string) => (role: Role) => `${role}/${name}${role === 'solver' ? '_mean' : ''}`

const rows: readonly UpdateRow[] = [
  {
    name: released('ce_loss'),
    meaning: 'negative log-likelihood of a token, in nats',
    read: ({ ce }) => ce,
    panel: machineryPanel,
    title: 'Likelihood of what was learned from',
    chart: {
      note: 'Mean negative log-likelihood in nats per token: how surprised the model is by its own samples.',
      span: [0, 0.1],
    },
  },
  {
    name: released('kl_loss'),
    meaning: 'divergence from the start policy, in nats per token',
    read: ({ kl }) => kl,
    only: {
      solver: { aliases: ['kl'], status: 'KL', compared: 'Distance from the start, solver' },
      proposer: { compared: 'Distance from the start, proposer' },
    },
    panel: distancePanel,
    title: 'Distance from the start (KL)',
    chart: {
      note: 'In nats per token. A slow climb that levels off is healthy; a jump is not.',
      span: [0, 0.01],
      alarm: 'kl',
    },
  },
  { name: released('advantage'), meaning: 'advantage', read: ({ advantageMean }) => advantageMean },
  {
    name: own('kl_coef'),
    meaning: 'weight of the divergence in this iteration',
    read: ({ beta }) => beta,
    panel: distancePanel,
    title: 'Pull back to the start (beta)',
    chart: {
      note: 'The weight of that distance in the loss. If it adapts, look for swings over several powers of ten: they undo what was learned.',
      mayBeLog: true,
    },
  },
  {
    name: (role) => `kl/${role}_beta`,
    meaning: 'weight of the divergence in the next iteration',
    read: ({ nextBeta }) => nextBeta,
  },
  {
    name: (role) => `train/${role}_baseline`,
    meaning: 'baseline before the iteration',
    read: ({ baseline }) => baseline,
  },
  {
    name: own('reward_mean'),
    meaning: 'reward that was learned from',
    read: ({ rewardMean }) => rewardMean,
    only: {
      // The solver's is drawn as the mean over its answers.
      proposer: {
        compared: 'Reward of the proposer',
        panel: rewardPanel,
        title: 'Reward of the proposer',
        chart: {
          note: 'Mean over the questions. It falls by itself as the solver becomes sure; a steep rise can mean unanswerable questions.',
          span: [0, 1],
        },
      },
    },
  },
  { name: own('reward_std'), meaning: 'its standard deviation', read: ({ rewardStd }) => rewardStd },
  {
    name: own('entropy'),
    meaning: 'entropy of the next word, in nats per token',
    read: ({ entropy }) => entropy,
    only: { solver: { aliases: ['entropy'] } },
  },
  {
    name: own('grad_norm'),
    meaning: 'norm of the gradient, before clipping',
    read: ({ gradientNorm }) => gradientNorm,
    only: { solver: { aliases: ['grad_norm'] } },
    panel: machineryPanel,
    title: 'Length of the gradient',
    chart: { note: 'Before clipping. Rare peaks are normal, a steady climb is not.', mayBeLog: true },
  },
  {
    name: own('learning_rate'),
    meaning: 'learning rate',
    read: ({ learningRate }) => learningRate,
    only: { solver: { aliases: ['learning_rate'] } },
  },
  { name: own('updates'), meaning: 'optimizer steps up to now', read: ({ updates }) => updates },
  {
    name: own('completions'),
    meaning: 'completions that were learned from',
    read: ({ completions }) => completions,
  },
  {
    name: own('skipped_steps'),
    meaning: 'steps left out, their gradient not being finite',
    read: ({ skippedSteps }) => skippedSteps,
  },
  {
    name: own('sampler_gap'),
    meaning: "largest distance from the sampler's log-probabilities",
    read: ({ samplerGap }) => samplerGap,
    panel: machineryPanel,
    title: 'Sampler against learner',
    chart: {
      note: 'Largest difference of their log-probabilities for one token. Rounding, as long as it stays tiny.',
      mayBeLog: true,
    },
  },
]

export function updateMetrics(role: Role): Metric<IterationRecord>[] {
  return rows.map(({ name, read, only, ...row }) => ({
    ...row,
    name: name(role),
    meaning: `${role}: ${row.meaning}`,
    read: (record) => {
      const update = record[role]
      return update === null ? null : read(update)
    },
    label: role,
    tone: role === 'solver' ? 'first' : 'second',
    ...only?.[role],
  }))
}
