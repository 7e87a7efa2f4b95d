/**
 * Uniform and normal numbers as functions of (key, counter), on top of Philox4x32-10.
 *
 * A uniform number uses the first two words of its place, a normal one all four, so the two kinds are not
 * independent of each other at the same place: draw one number per place.
 */
import { EvolmmError } from '../errors'
import { philox4x32 } from '@evolmm/internal'
import { type Counter, jump, type Key } from './counter'

/** A number in [0, 1), a multiple of 2^-53. */
export function uniform(key: Key, counter: Counter): number {
  const [high, low] = philox4x32(counter, key)
  return unit(high, low)
}

/** A standard normal number (Box-Muller), always finite and at most 8.6 in size. */
export function normal(key: Key, counter: Counter): number {
  const [a, b, c, d] = philox4x32(counter, key)
  // 1 - u lies in (0, 1], where the logarithm is finite.
  return Math.sqrt(-2 * Math.log(1 - unit(a, b))) * Math.cos(2 * Math.PI * unit(c, d))
}

/** Element i becomes `uniform(key, jump(counter, i))` cut down to a multiple of 2^-24, so that float32 stays below 1. */
export function fillUniform(target: Float32Array, key: Key, counter: Counter): void {
  checkTarget(target)
  for (let i = 0; i < target.length; i++)
    target[i] = Math.floor(uniform(key, jump(counter, i)) * 2 ** 24) / 2 ** 24
}

/** Element i becomes `normal(key, jump(counter, i))`, whatever the length of the array. */
export function fillNormal(target: Float32Array, key: Key, counter: Counter): void {
  checkTarget(target)
  for (let i = 0; i < target.length; i++) target[i] = normal(key, jump(counter, i))
}

/** 53 bits of two words as a number in [0, 1). */
function unit(high: number, low: number): number {
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53
}

function checkTarget(target: unknown): void {
  if (target instanceof Float32Array) return
  throw new EvolmmError(
    'INVALID_OPTION',
    'target: must be a Float32Array, got something else; pass such an array',
    {
      details: { option: 'target' },
    },
  )
}
