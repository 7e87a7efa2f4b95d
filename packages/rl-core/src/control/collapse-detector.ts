/**
 * Early stopping when training has collapsed: the entropy of the answers stays below a floor, or all rewards of a
 * step are equal (no signal to learn from), for a number of steps in a row.
 *
 * A step that says nothing about a sign leaves its count as it is: no finite entropy, or fewer than two rewards.
 * One step of agreement is normal, and more so for small groups late in training, so there are no defaults.
 */
import { checkInteger, checkList, checkNames, checkNumber, checkObject } from '@evolmm/internal'

export interface CollapseDetectorOptions {
  /** Entropy below this is low, in the unit of the observations (nats, if they are). */
  entropyFloor: number
  /** Steps in a row after which a sign counts as collapse. */
  patience: number
}

/** What one step showed. */
export interface CollapseObservation {
  /** Mean entropy of the step, or `null` if none was measured. */
  entropy: number | null
  /** All rewards of the step; `null` for a sample that was not scored. */
  rewards: readonly (number | null)[]
}

/** Steps in a row, up to now, that showed each sign. */
export interface CollapseState {
  readonly lowEntropy: number
  readonly equalRewards: number
}

export interface CollapseDetector {
  /** The state before the first step. */
  readonly initial: CollapseState
  /** The state after a step, and which sign has lasted long enough, if any (`entropy` first). */
  observe(
    observation: CollapseObservation,
    state: CollapseState,
  ): { state: CollapseState; collapsed: null | 'entropy' | 'reward-variance' }
}

export function collapseDetector(options: CollapseDetectorOptions): CollapseDetector {
  checkNames('collapseDetector', options, { entropyFloor: true, patience: true })
  const floor = checkNumber('entropyFloor', options.entropyFloor)
  const patience = checkInteger('patience', options.patience, { min: 1 })

  return {
    initial: { lowEntropy: 0, equalRewards: 0 },
    observe(observation, state) {
      checkObject('observation', observation)
      checkObject('state', state)
      const { entropy, rewards } = observation
      checkList('rewards', rewards)
      const measured = entropy !== null && Number.isFinite(entropy) ? entropy : null
      const scored = rewards.filter((reward) => reward !== null)
      const equal = scored.length < 2 ? null : scored.every((reward) => reward === scored[0])
      const next = {
        lowEntropy: count(state.lowEntropy, measured === null ? null : measured < floor),
        equalRewards: count(state.equalRewards, equal),
      }
      const collapsed =
        next.lowEntropy >= patience ? 'entropy' : next.equalRewards >= patience ? 'reward-variance' : null
      return { state: next, collapsed }
    },
  }
}

/** One more step in a row, none, or as before when the step says nothing. */
function count(before: number, sign: boolean | null): number {
  if (sign === null) return before
  return sign ? before + 1 : 0
}
