/** Everything that later iterations depend on, as one value: a checkpoint is a function of it. */
import { collapseWatch, type AdamWState, type EmaState, type KlState, type WatchState } from '@evolmm/rl-core'
import type { Adapter } from '@evolmm/vlm'

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
  const { solver, proposer } = adapters
  return { step: 0, solver: role(solver), proposer: role(proposer), watch: collapseWatch().initial }
}
