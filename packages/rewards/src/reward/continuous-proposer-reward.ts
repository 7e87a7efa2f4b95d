/** EvoLMM's proposer reward: highest for questions on which the solver is divided, but not lost. */
import { checkNames } from '@evolmm/internal'
import { entropyBand, type EntropyBandOptions } from './entropy-band'
import type { ProposerSample, Reward } from './reward'

/** `exp(-(H - mu)^2 / (2 sigma^2))` of the answers' entropy H; a question without answers is skipped. */
export function continuousProposerReward(options: EntropyBandOptions = {}): Reward<ProposerSample> {
  checkNames('continuousProposerReward', options, { mu: true, sigma: true, unit: true })
  const distance = entropyBand(options)
  return (batch) =>
    batch.map((sample) => {
      const deviations = distance(sample)
      return deviations === null ? null : Math.exp(-(deviations ** 2) / 2)
    })
}
