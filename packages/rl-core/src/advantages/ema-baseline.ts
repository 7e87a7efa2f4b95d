/**
 * A running mean of rewards as the baseline: `A = r - b`, then `b <- decay b + (1 - decay) r`.
 *
 * Order `sample` is that of the released EvoLMM code: the baseline moves after every sample, so later samples of a
 * group are compared with one that has already seen the earlier ones. Order `group` compares all samples of a group
 * with the same baseline and moves it once, by the group's mean.
 */
import { checkNames, checkNumber, checkObject, checkOneOf } from '@evolmm/internal'
import { type AdvantageEstimator, checkRewards, centerOf, scoredOf } from './estimator'

export interface EmaBaselineOptions {
  /** Weight of the past, from 0 up to but not including 1. @default 0.9 */
  decay?: number
  /** The baseline moves after every sample, or once per group. @default 'sample' */
  order?: 'sample' | 'group'
  /**
   * The baseline before any reward. With 0, as published, and positive rewards only, every early sample is imitated.
   * `first` starts from the first reward seen (order `group`: the first group's mean).
   * @default 0
   */
  start?: number | 'first'
}

export interface EmaState {
  /** `null` before the first reward, when the start is `first`. */
  readonly baseline: number | null
}

export function emaBaseline(options: EmaBaselineOptions = {}): AdvantageEstimator<EmaState> {
  checkNames('emaBaseline', options, { decay: true, order: true, start: true })
  const decay = checkNumber('decay', options.decay ?? 0.9, { min: 0, below: 1 })
  const order = checkOneOf('order', options.order ?? 'sample', ['sample', 'group'])
  const start = options.start ?? 0

  return {
    initial: { baseline: start === 'first' ? null : checkNumber('start', start) },
    estimate(rewards, state) {
      checkRewards(rewards)
      checkObject('state', state)
      let baseline = state.baseline === null ? null : checkNumber('state.baseline', state.baseline)
      /** Moves the baseline by `reward` and returns what it was before. */
      const advance = (reward: number): number => {
        const before = baseline ?? reward
        baseline = decay * before + (1 - decay) * reward
        return before
      }
      const advantages = rewards.map((group) => {
        const scored = scoredOf(group)
        if (order === 'sample' || scored.length === 0)
          return group.map((reward) => (reward === null ? null : reward - advance(reward)))
        const before = advance(centerOf(scored))
        return group.map((reward) => (reward === null ? null : reward - before))
      })
      return { advantages, state: { baseline } }
    },
  }
}
