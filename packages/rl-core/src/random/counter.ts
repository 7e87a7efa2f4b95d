/**
 * A counter says where a random number is: a key of two 32-bit words and a counter of four. Every number is a
 * function of its place and of nothing else, so it does not depend on what was drawn before, on batching or on the
 * order of work, and a resumed run draws what the uninterrupted one would have drawn.
 */
import { checkInteger, checkObject } from '@evolmm/internal'

/** Two unsigned 32-bit words. */
export type Key = readonly [number, number]

/** Four unsigned 32-bit words, the lowest first. */
export type Counter = readonly [number, number, number, number]

const word = 2 ** 32

/** The counter `by` places further (a safe integer from 0), as a 128-bit number that wraps around. */
export function jump(counter: Counter, by: number): Counter {
  checkInteger('by', by, { min: 0 })
  const sum0 = (counter[0] >>> 0) + (by % word)
  const sum1 = (counter[1] >>> 0) + Math.floor(by / word) + Math.floor(sum0 / word)
  const sum2 = (counter[2] >>> 0) + Math.floor(sum1 / word)
  const sum3 = (counter[3] >>> 0) + Math.floor(sum2 / word)
  return [sum0 >>> 0, sum1 >>> 0, sum2 >>> 0, sum3 >>> 0]
}

/** The place of a draw in a training run; every coordinate is an integer from 0. */
export interface Coordinates {
  /** A safe integer, below 2^53. */
  seed: number
  /** The step that the draw belongs to, below 2^32. @default 0 */
  step?: number
  /** Who or what draws (proposer, solver, initialisation, ...), below 2^8. @default 0 */
  role?: number
  /** Image or prompt within the step, below 2^32. @default 0 */
  group?: number
  /** Sample within the group, below 2^24. @default 0 */
  sample?: number
  /** Token or element within the sample, below 2^32. @default 0 */
  position?: number
}

/**
 * Key and counter of a draw; different coordinates never share both. The seed is the key (low word first); the
 * counter is [position, role x 2^24 + sample, group, step], so that consecutive positions are consecutive counters.
 */
export function drawAt(coordinates: Coordinates): { key: Key; counter: Counter } {
  checkObject('coordinates', coordinates)
  const { seed, step = 0, role = 0, group = 0, sample = 0, position = 0 } = coordinates
  checkInteger('seed', seed, { min: 0 })
  checkInteger('step', step, { min: 0, below: word })
  checkInteger('role', role, { min: 0, below: 2 ** 8 })
  checkInteger('group', group, { min: 0, below: word })
  checkInteger('sample', sample, { min: 0, below: 2 ** 24 })
  checkInteger('position', position, { min: 0, below: word })
  return {
    key: [seed % word, Math.floor(seed / word)],
    counter: [position, role * 2 ** 24 + sample, group, step],
  }
}
