/** The settings that what is learned depends on, for a run that is not told what its own are. */
import { identityOf } from '@evolmm/settings'
import { evolmmSettings, type EvolmmSettings } from './settings/settings'
import type { TrainOptions } from './train-options'

export function settingsOf({ solver, proposer, load = {}, data }: TrainOptions, settings: EvolmmSettings) {
  const { revision } = load.hub ?? {}
  const { dtype, quantize, minPixels, maxPixels } = load
  const { seed: order, reshuffle, rank, worldSize, dropDuplicates } = data
  return {
    ...identityOf(evolmmSettings, settings),
    ...{ solver, proposer, revision, dtype, quantize, minPixels, maxPixels },
    ...{ order, reshuffle, rank, worldSize, dropDuplicates },
  }
}
