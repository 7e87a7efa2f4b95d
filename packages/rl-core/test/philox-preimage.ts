/**
 * Philox4x32-10 backwards: the counter that gives these four words under this key. It lets a test ask for outputs
 * that no search would find. Written with 64-bit integers, so it also checks the forward code independently.
 */
import type { Counter, Key } from '@evolmm/rl-core'

const mask = 0xffffffffn
const multiplier0 = 0xd2511f53n
const multiplier1 = 0xcd9e8d57n

export function preimage(words: Counter, key: Key): Counter {
  let [c0, c1, c2, c3] = words.map(BigInt)
  for (let round = 9n; round >= 0n; round--) {
    const k0 = (BigInt(key[0]) + round * 0x9e3779b9n) & mask
    const k1 = (BigInt(key[1]) + round * 0xbb67ae85n) & mask
    const before0 = (c3 * inverse(multiplier0)) & mask
    const before2 = (c1 * inverse(multiplier1)) & mask
    const before1 = ((multiplier1 * before2) >> 32n) ^ c0 ^ k0
    const before3 = ((multiplier0 * before0) >> 32n) ^ c2 ^ k1
    ;[c0, c1, c2, c3] = [before0, before1, before2, before3]
  }
  return [Number(c0), Number(c1), Number(c2), Number(c3)]
}

/** Inverse of an odd number modulo 2^32, by Newton's iteration. */
function inverse(odd: bigint): bigint {
  let guess = odd
  for (let k = 0; k < 5; k++) guess = (guess * (2n - odd * guess)) & mask
  return guess & mask
}
