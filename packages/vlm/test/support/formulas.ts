/** Weights and images from formulas in integers, as `fixtures/shapes/make_shapes.py` computes them too. */
import ndarray from 'ndarray'
import type { Pixels } from '../../src/image/rgb-image'

const prime = 2147483647

/** Park and Miller's generator, started from a hash of the text; integers in [1, prime). */
export function* parkMiller(text: string): Generator<number, never> {
  let state = 7
  for (const byte of Buffer.from(text)) state = (state * 131 + byte) % prime
  for (;;) {
    state = (state * 48271) % prime
    yield state
  }
}

/** Uniform within `scale` around `offset`, rounded to float32. */
export function uniform(text: string, count: number, scale: number, offset = 0): Float32Array {
  const draws = parkMiller(text)
  return Float32Array.from({ length: count }, () => offset + 2 * scale * (draws.next().value / prime - 0.5))
}

/** A weight of the model by its canonical name. */
export function weight(name: string, shape: readonly number[]): Float32Array {
  const count = countOf(shape)
  if (name.endsWith('embed_tokens.weight') || name === 'lm_head.weight') return uniform(name, count, 0.4)
  if (shape.length > 1) return uniform(name, count, 1.5 / Math.sqrt(countOf(shape.slice(1))))
  return uniform(name, count, 0.2, name.endsWith('bias') ? 0 : 1)
}

/** Sum of all values with signs drawn at random, for the `k`-th time. */
export function signedSum(name: string, values: Float32Array, k: number): number {
  const draws = parkMiller(`${name} ${k}`)
  return values.reduce((sum, value) => sum + (1 - 2 * ((draws.next().value >> 15) & 1)) * value, 0)
}

export function picture(width: number, height: number, seed: number): Pixels {
  const data = new Uint8Array(width * height * 3)
  let at = 0
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const value = (c + 1) * x * x + 3 * x * y + seed * y * y + 40 * c * x
        data[at++] = Math.floor(value / 64) + 17 * seed * c
      }
  return ndarray(data, [height, width, 3])
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}
