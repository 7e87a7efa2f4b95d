/** EvoLMM's continuous self-consistency reward: how many of the group gave this answer, less a little for length. */
import { checkNames, checkNumber } from '@evolmm/internal'
import { INVALID, nonEmpty } from '../answer'
import type { VoteOptions } from '../group-statistics'
import { byGroup } from './by-group'
import type { Reward, SolverSample } from './reward'

/** What is not said otherwise, as released; settings of methods have their defaults from here. */
export const solverRewardDefaults = { gamma: 0.7, lengthPenalty: 0.1, targetWords: 6 }

export interface ContinuousSolverRewardOptions extends VoteOptions {
  /** Exponent on the share of the group that gave the answer; below 1 it lifts minorities. @default that of {@link solverRewardDefaults} */
  gamma?: number | undefined
  /** Largest share of the reward that length can cost (lambda). @default that of {@link solverRewardDefaults} */
  lengthPenalty?: number | undefined
  /** Words before the answer that cost nothing (tau), at least 1. @default that of {@link solverRewardDefaults} */
  targetWords?: number | undefined
  /**
   * Stop the penalty at twice `targetWords`, as the released code does; the reward then lies in [0, 1]. The paper lets
   * it grow: long outputs earn less than nothing.
   * @default true
   */
  clipLength?: boolean
}

/** `p^gamma * (1 - lambda * clip((words - tau) / tau, 0, 1))`; 0 for an invalid answer. */
export function continuousSolverReward(options: ContinuousSolverRewardOptions = {}): Reward<SolverSample> {
  checkNames('continuousSolverReward', options, {
    invalidVotes: true,
    gamma: true,
    lengthPenalty: true,
    targetWords: true,
    clipLength: true,
  })
  const gamma = checkNumber('gamma', options.gamma ?? solverRewardDefaults.gamma, { min: 0 })
  const lengthPenalty = checkNumber(
    'lengthPenalty',
    options.lengthPenalty ?? solverRewardDefaults.lengthPenalty,
    { min: 0, max: 1 },
  )
  const targetWords = Math.max(
    1,
    checkNumber('targetWords', options.targetWords ?? solverRewardDefaults.targetWords, { min: 0 }),
  )
  const { invalidVotes = false } = options
  const excessLimit = options.clipLength === false ? Infinity : 1

  return (batch) =>
    byGroup(batch, { invalidVotes }, ({ answer, words }, { count, total }) => {
      checkNumber('words', words, { min: 0 })
      if (nonEmpty(answer) === INVALID && !invalidVotes) return 0
      const excess = Math.min(Math.max((words - targetWords) / targetWords, 0), excessLimit)
      return (count / total) ** gamma * (1 - lengthPenalty * excess)
    })
}
