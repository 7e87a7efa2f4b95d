/** The settings that what is learned depends on, for a run that is not told what its own are. */
import type { TrainOptions } from './train-options'

/** `totalSteps` counts where the learning rate depends on it. Functions are not data: of one, that it was there. */
export function settingsOf({ solver, proposer, load = {}, data, evolve = {} }: TrainOptions) {
  const { revision } = load.hub ?? {}
  const { rewards = {} } = evolve
  const { dtype, quantize, minPixels, maxPixels } = load
  const { seed: order, reshuffle, rank, worldSize, dropDuplicates } = data
  const constant = (evolve.optimizer?.scheduler ?? 'constant') === 'constant'
  return {
    ...{ solver, proposer, revision, dtype, quantize, minPixels, maxPixels },
    ...{ order, reshuffle, rank, worldSize, dropDuplicates },
    ...evolve,
    ...(typeof rewards.kind === 'function' && { rewards: { ...rewards, kind: 'function' } }),
    ...{ imageCache: undefined, gradientCheckpointing: undefined, stopOnCollapse: undefined },
    totalSteps: constant ? undefined : evolve.totalSteps,
  }
}
