/** The examples of each step by their places, so that a step sees the same ones whenever it is made. */
import { shuffledOrder } from '@evolmm/dataset'
import { checkInteger, checkNames } from '@evolmm/internal'

export interface BatchPlacesOptions {
  /** The number of examples. */
  length: number
  /** Examples of a step. */
  size: number
  seed: number
}

/** Every example comes once in each epoch, in an order of its own. The steps are counted from 0. */
export function batchPlaces(options: BatchPlacesOptions): (step: number) => number[] {
  checkNames('batchPlaces', options, { length: true, size: true, seed: true })
  const { seed } = options
  const length = checkInteger('length', options.length, { min: 1 })
  const size = checkInteger('size', options.size, { min: 1 })
  let known: { epoch: number; order: Uint32Array } = { epoch: -1, order: new Uint32Array() }
  return (step) =>
    Array.from({ length: size }, (_, i) => {
      const place = step * size + i
      const epoch = Math.floor(place / length)
      if (known.epoch !== epoch) known = { epoch, order: shuffledOrder({ length, seed, epoch }) }
      return known.order[place % length]
    })
}
