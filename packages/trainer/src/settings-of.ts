/** The settings that what is learned depends on, for a run that is not told what its own are. */
import type { TrainOptions } from './train-options'

/** `totalSteps` counts where the learning rate depends on it. Functions are not data, and left out. */
export function settingsOf({ solver, proposer, load = {}, data, evolve = {} }: TrainOptions) {
  const { revision } = load.hub ?? {}
  const { dtype, quantize, minPixels, maxPixels } = load
  const { seed: order, reshuffle, rank, worldSize, dropDuplicates } = data
  const constant = (evolve.optimizer?.scheduler ?? 'constant') === 'constant'
  return {
    ...{ solver, proposer, revision, dtype, quantize, minPixels, maxPixels },
    ...{ order, reshuffle, rank, worldSize, dropDuplicates },
    ...evolve,
    ...{ imageCache: undefined, gradientCheckpointing: undefined, stopOnCollapse: undefined },
    totalSteps: constant ? undefined : evolve.totalSteps,
  }
}
