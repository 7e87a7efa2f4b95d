/** Everything that later iterations depend on, as one value: a checkpoint is a function of it. */
import type { AdamWState, EmaState, KlState } from '@evolmm/rl-core'
import type { Adapter } from '@evolmm/vlm'
import { initialWatch, type WatchState } from './watch'

export interface TrainerState {
  /** Iterations done. */
  step: number
  solver: RoleState
  proposer: RoleState
  watch: WatchState
}

export interface RoleState {
  /** The parameters are the live ones. */
  adapter: Adapter
  /** The moments are the live ones; `null` before the first update. */
  optimizer: AdamWState | null
  /** `null` before the first reward. */
  baseline: EmaState | null
  /** `null` before the first update. */
  kl: KlState | null
  /** Optimizer steps made. */
  updates: number
}

/** The state before the first iteration. Each role has its own adapter, also on one backbone. */
export function startState(adapters: { solver: Adapter; proposer: Adapter }): TrainerState {
  const role = (adapter: Adapter): RoleState => ({
    adapter,
    optimizer: null,
    baseline: null,
    kl: null,
    updates: 0,
  })
  return { step: 0, solver: role(adapters.solver), proposer: role(adapters.proposer), watch: initialWatch }
}
