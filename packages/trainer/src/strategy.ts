/**
 * A strategy says how a role learns from its lessons. The ways of doing a thing are in `strategy-tables.ts`; this table
 * chooses for the roles.
 */
import type { GradientOptions } from '@evolmm/vlm'
import type { Lesson } from './episode'
import type { Role } from './role'
import type { EvolmmSettings } from './settings/settings'
import { advantages, updates, type Estimator } from './strategy-tables'

export interface Strategy {
  /** What the rewards of all lessons are worth, a group for each lesson. */
  advantages: Estimator
  objective: GradientOptions['objective']
  /** The number of times that the same samples are gone through. */
  epochs: number
  /** The lessons of each optimizer step of an epoch. */
  batches: (lessons: readonly Lesson[]) => (readonly Lesson[])[]
  learningRate: number
  klTarget: number
}

export const strategies: Record<Role, (settings: EvolmmSettings) => Strategy> = {
  solver: (settings) => {
    const { order, batches } = updates[settings.solver_update]
    return {
      advantages: advantages[settings.baseline](order),
      objective: 'reinforce',
      epochs: settings.update_epochs,
      batches,
      learningRate: settings.lr,
      klTarget: settings.solver_kl_target,
    }
  },
  proposer: (settings) => ({
    // It writes once about each image: all of its questions are one group.
    advantages: asOneGroup(advantages[settings.proposer_baseline]('group')),
    objective: 'reinforce',
    epochs: settings.update_epochs,
    batches: updates.group.batches,
    learningRate: settings.proposer_lr,
    klTarget: settings.proposer_kl_target,
  }),
}

/** The estimator with rewards that are compared across all groups. */
function asOneGroup(estimator: Estimator): Estimator {
  return {
    initial: estimator.initial,
    estimate: (rewards, before) => {
      const { advantages, state } = estimator.estimate([rewards.flat()], before)
      let at = 0
      return { advantages: rewards.map(({ length }) => advantages[0].slice(at, (at += length))), state }
    },
  }
}
