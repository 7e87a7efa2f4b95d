/**
 * The order of one epoch: a permutation that is a pure function of (length, seed, epoch). Fisher and Yates' shuffle,
 * with indices drawn from Philox4x32-10 without modulo bias, so that all permutations are equally likely.
 */
import { checkInteger, checkNames, philox4x32 } from '@evolmm/internal'

const words = 2 ** 32

/** A permutation of 0 ... length - 1. `seed` and `epoch` are integers from 0. */
export function shuffledOrder(options: { length: number; seed: number; epoch: number }): Uint32Array {
  checkNames('shuffledOrder', options, { length: true, seed: true, epoch: true })
  const { length, seed, epoch } = options
  checkInteger('length', length, { min: 0, max: words - 1 })
  checkInteger('seed', seed, { min: 0 })
  checkInteger('epoch', epoch, { min: 0 })
  const order = Uint32Array.from({ length }, (_, i) => i)
  const draw = indexSource(seed, epoch)
  for (let last = length - 1; last > 0; last--) {
    const other = draw(last + 1)
    const held = order[last]
    order[last] = order[other]
    order[other] = held
  }
  return order
}

/** Draws uniform integers from 0 to `bound - 1`. Counter: block number, epoch in two words, 0. Key: the seed. */
function indexSource(seed: number, epoch: number): (bound: number) => number {
  const key = [seed % words, Math.floor(seed / words)] as const
  const low = epoch % words
  const high = Math.floor(epoch / words)
  let block = 0
  let buffer: readonly number[] = []
  let used = 4
  return (bound) => {
    for (;;) {
      if (used === 4) {
        buffer = philox4x32([block++, low, high, 0], key)
        used = 0
      }
      const word = buffer[used++]
      // The last, incomplete run of `bound` words is refused; the first test spares most draws the division.
      if (word < words - bound || word < words - (words % bound)) return word % bound
    }
  }
}
