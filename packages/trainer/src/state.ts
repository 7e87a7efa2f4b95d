/** Everything that later iterations depend on, as one value: a checkpoint is a function of it. */
import { checkObject } from '@evolmm/internal'
import { collapseWatch, type AdamWState, type EmaState, type KlState, type WatchState } from '@evolmm/rl-core'
import type { Adapter } from '@evolmm/vlm'
import { perRole, type Role } from './role'

/** The state of each role, and what belongs to none. */
export interface TrainerState extends Record<Role, RoleState> {
  /** The number of iterations that are done. */
  step: number
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
  /** The number of steps that the optimizer has made. */
  updates: number
}

/** The state before the first iteration. Each role has its own adapter, also on one backbone. */
export function startState(adapters: Readonly<Record<Role, Adapter>>): TrainerState {
  checkObject('adapters', adapters)
  checkObject('adapters.solver', adapters.solver)
  checkObject('adapters.proposer', adapters.proposer)
  const start = (role: Role): RoleState => ({
    adapter: adapters[role],
    optimizer: null,
    baseline: null,
    kl: null,
    updates: 0,
  })
  return { step: 0, ...perRole(start), watch: collapseWatch().initial }
}
