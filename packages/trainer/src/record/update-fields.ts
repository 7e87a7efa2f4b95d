/**
 * The numbers of a role's update, one row each: how it is measured, and how it is shown. The record, the log, trackers and
 * the report have what is in this table, each number by its field's name. A new number is one row, and nothing else.
 */
import { finiteMean } from '@evolmm/internal'
import type { EmaState, KlState } from '@evolmm/rl-core'
import type { Metric } from '@evolmm/runs'
import type { GroupGradient } from '../group-gradient'
import type { Role } from '../role'
import { panels } from './panels'

/** All that is known of an update when it is made. */
export interface UpdateMade {
  /** The optimizer steps in order. */
  taken: readonly StepTaken[]
  /** Those of the first epoch, in which the samples are still of the policy that learns. */
  firstEpoch: readonly StepTaken[]
  /** The lessons of all processes: for each of them the values of its completions. */
  rewards: readonly (readonly (number | null)[])[]
  advantages: readonly (readonly (number | null)[])[]
  before: { baseline: EmaState | null; kl: KlState }
  after: { kl: KlState }
  /** Optimizer steps of this role up to now. */
  updates: number
  learningRate: number
  /** The share of inputs that is dropped while learning. */
  dropout: number
}

export interface StepTaken extends Omit<GroupGradient, 'gradient'> {
  gradientNorm: number
  skipped: boolean
}

export interface UpdateField {
  measure: (made: UpdateMade) => number | null
  shown: ShownUpdate
}

/** The metric of each role, and what only that of one role has: TRL's names, which are those of a policy, are the solver's. */
interface ShownUpdate extends Omit<Metric<never>, 'name' | 'read'> {
  name: (role: Role) => string
  only?: Partial<Record<Role, Partial<Metric<never>>>>
}

const own = (name: string) => (role: Role) => `${role}/${name}`
/** The released code says "_mean" of the solver alone, which learns from several answers. */
const suffixes: Readonly<Record<Role, string>> = { solver: '_mean', proposer: '' }
const released = (name: string) => (role: Role) => `${role}/${name}${suffixes[role]}`

/** The rows are in the order of the status line and of the report's charts. */
export const updateFields = {
  ce: {
    measure: ({ taken }: UpdateMade) => finiteMean(taken.map(({ nll }) => nll)),
    shown: {
      name: released('ce_loss'),
      meaning: 'negative log-likelihood of a token, in nats',
      panel: panels.machinery.title,
      title: 'Likelihood of what was learned from',
      chart: {
        note: 'Mean negative log-likelihood in nats per token: how surprised the model is by its own samples.',
        span: [0, 0.1],
      },
    },
  },
  /** Exact divergence, as a mean over tokens; `null` when it was not computed. */
  kl: {
    measure: ({ taken, before }: UpdateMade) =>
      before.kl.coefficient === 0 ? null : finiteMean(taken.map(({ kl }) => kl)),
    shown: {
      name: released('kl_loss'),
      meaning: 'divergence from the start policy, in nats per token',
      only: {
        solver: { aliases: ['kl'], status: 'KL', compared: 'Distance from the start, solver' },
        proposer: { compared: 'Distance from the start, proposer' },
      },
      panel: panels.distance.title,
      title: 'Distance from the start (KL)',
      chart: {
        note: 'In nats per token. A slow climb that levels off is healthy; a jump is not.',
        span: [0, 0.01],
        alarm: 'kl',
      },
    },
  },
  advantageMean: {
    measure: ({ advantages }: UpdateMade) => finiteMean(advantages.flat()),
    shown: {
      name: released('advantage'),
      meaning: 'advantage',
    },
  },
  beta: {
    measure: ({ before }: UpdateMade) => before.kl.coefficient,
    shown: {
      name: own('kl_coef'),
      meaning: 'weight of the divergence in this iteration',
      panel: panels.distance.title,
      title: 'Pull back to the start (beta)',
      chart: {
        note: 'The weight of that distance in the loss. If it adapts, look for swings over several powers of ten: they undo what was learned.',
        mayBeLog: true,
      },
    },
  },
  nextBeta: {
    measure: ({ after }: UpdateMade) => after.kl.coefficient,
    shown: {
      name: (role: Role) => `kl/${role}_beta`,
      meaning: 'weight of the divergence in the next iteration',
    },
  },
  /** `null` for estimators that keep none. */
  baseline: {
    measure: ({ before }: UpdateMade) => before.baseline?.baseline ?? null,
    shown: {
      name: (role: Role) => `train/${role}_baseline`,
      meaning: 'baseline before the iteration',
    },
  },
  rewardMean: {
    measure: ({ rewards }: UpdateMade) => finiteMean(rewards.flat()),
    shown: {
      name: own('reward_mean'),
      meaning: 'reward that was learned from',
      only: {
        // The solver's is drawn as the mean over its answers.
        proposer: {
          compared: 'Reward of the proposer',
          panel: panels.reward.title,
          title: 'Reward of the proposer',
          chart: {
            note: 'Mean over the questions. It falls by itself as the solver becomes sure; a steep rise can mean unanswerable questions.',
            span: [0, 1],
          },
        },
      },
    },
  },
  rewardStd: {
    measure: ({ rewards }: UpdateMade) => spread(rewards.flat()),
    shown: {
      name: own('reward_std'),
      meaning: 'its standard deviation',
    },
  },
  entropy: {
    measure: ({ taken }: UpdateMade) => finiteMean(taken.map(({ entropy }) => entropy)),
    shown: {
      name: own('entropy'),
      meaning: 'entropy of the next word, in nats per token',
      only: { solver: { aliases: ['entropy'] } },
    },
  },
  gradientNorm: {
    measure: ({ taken }: UpdateMade) => finiteMean(taken.map(({ gradientNorm }) => gradientNorm)),
    shown: {
      name: own('grad_norm'),
      meaning: 'norm of the gradient, before clipping',
      only: { solver: { aliases: ['grad_norm'] } },
      panel: panels.machinery.title,
      title: 'Length of the gradient',
      chart: { note: 'Before clipping. Rare peaks are normal, a steady climb is not.', mayBeLog: true },
    },
  },
  learningRate: {
    measure: ({ learningRate }: UpdateMade) => learningRate,
    shown: {
      name: own('learning_rate'),
      meaning: 'learning rate',
      only: { solver: { aliases: ['learning_rate'] } },
    },
  },
  updates: {
    measure: ({ updates }: UpdateMade) => updates,
    shown: {
      name: own('updates'),
      meaning: 'optimizer steps up to now',
    },
  },
  completions: {
    measure: ({ rewards }: UpdateMade) => rewards.flat().length,
    shown: {
      name: own('completions'),
      meaning: 'completions that were learned from',
    },
  },
  skippedSteps: {
    measure: ({ taken }: UpdateMade) => taken.filter(({ skipped }) => skipped).length,
    shown: {
      name: own('skipped_steps'),
      meaning: 'steps left out, their gradient not being finite',
    },
  },
  /**
   * Largest distance between the sampler's log-probabilities and those of the first learning pass: rounding noise, or a
   * bug; `null` with dropout, where the two differ by design: a pass without it would be a second learning program.
   */
  samplerGap: {
    measure: ({ firstEpoch, dropout }: UpdateMade) => (dropout > 0 ? null : largestGap(firstEpoch)),
    shown: {
      name: own('sampler_gap'),
      meaning: "largest distance from the sampler's log-probabilities; none with dropout",
      panel: panels.machinery.title,
      title: 'Sampler against learner',
      chart: {
        note: 'Largest difference of their log-probabilities for one token. Rounding, as long as it stays tiny.',
        mayBeLog: true,
      },
    },
  },
  /** The share of inputs that is dropped; above 0 it is why there is no sampler gap. */
  dropout: {
    measure: ({ dropout }: UpdateMade) => dropout,
    shown: {
      name: own('dropout'),
      meaning: 'share of inputs that adapters drop while learning; above 0 there is no sampler gap',
    },
  },
} satisfies Record<string, UpdateField>

/** One role's learning in an iteration; means over its optimizer steps where there were several. */
export type UpdateRecord = {
  [F in keyof typeof updateFields]: ReturnType<(typeof updateFields)[F]['measure']>
}

export function updateRecord(made: UpdateMade): UpdateRecord {
  return Object.fromEntries(
    Object.entries(updateFields).map(([field, { measure }]) => [field, measure(made)]),
  ) as UpdateRecord
}

const tones = { solver: 'first', proposer: 'second' } as const

/** The rows of a role in the table of metrics. */
export function updateMetrics<R extends Readonly<Record<Role, UpdateRecord | null>>>(
  role: Role,
): Metric<R>[] {
  const rows: [string, UpdateField][] = Object.entries(updateFields)
  return rows.map(
    ([
      field,
      {
        shown: { name, only, ...row },
      },
    ]) => ({
      ...row,
      name: name(role),
      meaning: `${role}: ${row.meaning}`,
      read: (record) => record[role]?.[field as keyof UpdateRecord],
      label: role,
      tone: tones[role],
      ...only?.[role],
    }),
  )
}

/** The deviation from the mean with N. */
function spread(values: readonly (number | null)[]): number | null {
  const center = finiteMean(values)
  const variance = finiteMean(values.map((value) => (value === null ? null : (value - (center ?? 0)) ** 2)))
  return variance === null ? null : Math.sqrt(variance)
}

/** The largest distance to the sampler's log-probabilities, where it was measured. */
function largestGap(taken: readonly StepTaken[]): number | null {
  const gaps = taken.flatMap(({ samplerGap }) => samplerGap ?? [])
  return gaps.length === 0 ? null : Math.max(...gaps)
}
