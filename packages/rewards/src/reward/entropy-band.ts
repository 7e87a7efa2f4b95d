/** The band of solver entropy in which a question teaches something: neither trivial nor hopeless. */
import { checkNumber, checkObject, checkOneOf } from '@evolmm/internal'
import { groupStatistics } from '../group-statistics'
import type { ProposerSample } from './reward'

export interface EntropyBandOptions {
  /** Centre of the band. @default that of {@link entropyBandDefaults} in the unit */
  mu?: number
  /** Half-width of the band, as a standard deviation. 0 or less rewards nothing. @default that of {@link entropyBandDefaults} in the unit */
  sigma?: number
  /**
   * `nats`: `mu` and `sigma` are nats, as released for N = 5; `share-of-ln-n`: they are shares of ln N, the largest
   * entropy that N answers can have, so that N may change. @default 'nats'
   */
  unit?: 'nats' | 'share-of-ln-n'
}

/** The band by its unit where nothing else is said; settings of methods have their defaults from here. */
export const entropyBandDefaults = {
  nats: { mu: 0.9, sigma: 0.35 },
  'share-of-ln-n': { mu: 0.559, sigma: 0.217 },
} as const

/**
 * Distance of a question's entropy from the centre, in standard deviations. `null` for a question without answers;
 * `Infinity` for a band of no width.
 */
export function entropyBand(options: EntropyBandOptions): (sample: ProposerSample) => number | null {
  checkObject('options', options)
  const unit = checkOneOf('unit', options.unit ?? 'nats', ['nats', 'share-of-ln-n'])
  const mu = checkNumber('mu', options.mu ?? entropyBandDefaults[unit].mu)
  const sigma = checkNumber('sigma', options.sigma ?? entropyBandDefaults[unit].sigma)
  return ({ answers }) => {
    if (answers.length === 0) return null
    const scale = unit === 'nats' ? 1 : Math.log(answers.length)
    const width = sigma * scale
    return width > 0 ? Math.abs(groupStatistics(answers).entropy - mu * scale) / width : Infinity
  }
}
