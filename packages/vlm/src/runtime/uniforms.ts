/**
 * Uniform numbers as a function of where they are used: seed, sample, position. Nothing has a state, so no draw depends
 * on what ran before or beside it.
 */
import { checkInteger, philox4x32 } from '@evolmm/internal'

/** One integer, or several: [seed, step, role], say. */
export type Seed = number | readonly number[]

/** Random numbers from 0 up to, but without, 1, with 53 bits each: [samples, positions]. */
export function uniforms(seed: Seed, samples: number, positions: number): Float64Array {
  const key = seedKey(seed)
  const values = new Float64Array(samples * positions)
  for (let sample = 0; sample < samples; sample++)
    for (let position = 0; position < positions; position++) {
      const [high, low] = philox4x32([position, sample, 0, 0], key)
      values[sample * positions + position] = ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53
    }
  return values
}

/** One integer of 40 bits from a seed, for programs that hash in the graph. */
export function seedInteger(seed: Seed): number {
  const [high, low] = seedKey(seed)
  return (high & 0xff) * 2 ** 32 + low
}

/** Folds the parts of a seed into a key. [1] and [1, 0] are different seeds. */
function seedKey(seed: Seed): [number, number] {
  // A seed of any other kind is refused as an integer that is none.
  const parts: readonly unknown[] = Array.isArray(seed) ? seed : [seed]
  let key: [number, number] = [0x65766f6c, parts.length]
  for (const part of parts) {
    const whole = checkInteger('seed', part)
    const words = philox4x32([whole >>> 0, Math.floor(whole / 2 ** 32) >>> 0, 0, 1], key)
    key = [words[0], words[1]]
  }
  return key
}
