/** The discrete counterpart of the entropy band: a question is of use, or it is not. */
import { checkNames } from '@evolmm/internal'
import { entropyBand, type EntropyBandOptions } from './entropy-band'
import type { ProposerSample, Reward } from './reward'

/** 1 when the answers' entropy is within `mu ± sigma`, else 0; a question without answers is skipped. */
export function discreteProposerReward(options: EntropyBandOptions = {}): Reward<ProposerSample> {
  checkNames('discreteProposerReward', options, { mu: true, sigma: true, unit: true })
  const distance = entropyBand(options)
  return (batch) =>
    batch.map((sample) => {
      const deviations = distance(sample)
      return deviations === null ? null : deviations <= 1 ? 1 : 0
    })
}
