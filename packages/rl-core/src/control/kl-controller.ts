/**
 * The weight of the KL term, adapted so that the measured KL stays near a target:
 * `beta <- clamp(beta exp(rate (KL - target) / target), min, max)`, once after every optimizer step.
 *
 * A role has its own controller and its own target. The exponent is limited, since a single large KL would otherwise
 * multiply beta by any amount (KL 1 at target 0.02: 134). A KL that is not finite says nothing: the state is
 * returned as it was.
 */
import { checkNames, checkNumber, checkObject } from '@evolmm/internal'

export interface KlState {
  /** The current weight of the KL term. */
  readonly coefficient: number
}

export interface KlController {
  /** The state before the first update. */
  readonly initial: KlState
  /** The state after a step whose KL, in nats, was `kl`. */
  update(kl: number, state: KlState): KlState
}

/** What is not said otherwise; settings of methods have their defaults from here. */
export const adaptiveKlDefaults = { coefficient: 1e-3, target: 0.02, rate: 0.1 }

export interface AdaptiveKlOptions {
  /** Weight at the start. @default that of {@link adaptiveKlDefaults} */
  coefficient?: number
  /** The KL to hold, in nats; at least 1e-8 is used. @default that of {@link adaptiveKlDefaults} */
  target?: number
  /** The largest share by which one step changes the weight. @default that of {@link adaptiveKlDefaults} */
  rate?: number
  /** The smallest weight that is reached, above 0. @default 1e-8 */
  min?: number
  /** The largest weight that is reached. @default 1e2 */
  max?: number
  /** Largest exponent of one update, either sign; `Infinity` is the published rule without a limit. @default 1 */
  exponentLimit?: number
}

export function adaptiveKl(options: AdaptiveKlOptions = {}): KlController {
  checkNames('adaptiveKl', options, {
    coefficient: true,
    target: true,
    rate: true,
    min: true,
    max: true,
    exponentLimit: true,
  })
  const min = checkNumber('min', options.min ?? 1e-8, { above: 0 })
  const max = checkNumber('max', options.max ?? 1e2, { min })
  const coefficient = checkNumber('coefficient', options.coefficient ?? adaptiveKlDefaults.coefficient, {
    min,
    max,
  })
  const target = Math.max(
    checkNumber('target', options.target ?? adaptiveKlDefaults.target, { min: 0 }),
    1e-8,
  )
  const rate = checkNumber('rate', options.rate ?? adaptiveKlDefaults.rate, { min: 0 })
  const limit =
    options.exponentLimit === Infinity
      ? Infinity
      : checkNumber('exponentLimit', options.exponentLimit ?? 1, { above: 0 })

  return {
    initial: { coefficient },
    update(kl, state) {
      checkObject('state', state)
      const before = checkNumber('state.coefficient', state.coefficient, { min: 0 })
      if (!Number.isFinite(kl)) return state
      const exponent = clamp((rate * (kl - target)) / target, -limit, limit)
      return { coefficient: clamp(before * Math.exp(exponent), min, max) }
    },
  }
}

/** A weight that stays as it is, behind the same interface. */
export function fixedKl(options: { coefficient: number }): KlController {
  checkNames('fixedKl', options, { coefficient: true })
  const { coefficient } = options
  return {
    initial: { coefficient: checkNumber('coefficient', coefficient, { min: 0 }) },
    update: (_, state) => state,
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
