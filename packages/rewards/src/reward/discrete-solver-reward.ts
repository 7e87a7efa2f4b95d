/** Majority vote as a reward: the discrete ablation of EvoLMM, and what TTRL-like methods train on. */
import { checkNames } from '@evolmm/internal'
import { INVALID } from '../answer'
import type { VoteOptions } from '../group-statistics'
import { byGroup } from './by-group'
import type { Reward, SolverSample } from './reward'

/** 1 for the majority answer of the group (the first seen on a tie), 0 for any other and for an invalid one. */
export function discreteSolverReward(options: VoteOptions = {}): Reward<SolverSample> {
  checkNames('discreteSolverReward', options, { invalidVotes: true })
  return (batch) =>
    byGroup(batch, options, ({ answer }, { majority }) =>
      answer === majority && (answer !== INVALID || options.invalidVotes === true) ? 1 : 0,
    )
}
