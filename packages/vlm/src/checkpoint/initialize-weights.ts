/**
 * Random weights for a new model, as transformers draws them: normal with mean 0, or one number everywhere, as the model
 * says. Each tensor has a counter-based stream of its own, from the seed and its name, so its values do not depend on which
 * others are drawn; and none is held in memory as a whole.
 */
import { createHash } from 'node:crypto'
import { checkInteger, checkNumber, countOf, philox4x32 } from '@evolmm/internal'
import type { WeightSource } from '@evolmm/safetensors'
import type { CheckpointModel } from './checkpoint-model'

/** One for all matrices, or a function of canonical name and shape (`[out, in]` for a linear module). */
export type StandardDeviation = number | ((name: string, shape: readonly number[]) => number)

export interface InitializeWeightsOptions {
  /** Same seed, same weights. */
  seed: number
  /** Standard deviation of matrices, `initializer_range` of transformers, or of each by name and shape. @default 0.02 */
  standardDeviation?: StandardDeviation
}

/** Values drawn at a time; a multiple of four, which is what one counter gives. */
const pieceLength = 1 << 20

/** One source per tensor of the model, in its order. */
export function initializeWeights(
  { weights, initialValue }: Pick<CheckpointModel, 'weights' | 'initialValue'>,
  { seed, standardDeviation = 0.02 }: InitializeWeightsOptions,
): WeightSource[] {
  checkInteger('seed', seed, { min: 0 })
  const deviationOf = (name: string, shape: readonly number[]) =>
    checkNumber(
      'standardDeviation',
      typeof standardDeviation === 'function' ? standardDeviation(name, shape) : standardDeviation,
      { above: 0 },
    )
  if (typeof standardDeviation === 'number') checkNumber('standardDeviation', standardDeviation, { above: 0 })
  return [...weights].map(([name, shape]) => {
    const count = countOf(shape)
    const initial = initialValue(name, shape)
    const values = () =>
      initial === 'normal' ? normals(name, count, seed, deviationOf(name, shape)) : constants(initial, count)
    return { name, shape, values }
  })
}

function* constants(value: number, count: number): Generator<Float32Array> {
  for (let start = 0; start < count; start += pieceLength)
    yield new Float32Array(Math.min(pieceLength, count - start)).fill(value)
}

/**
 * Box and Muller's pairs: the counter's four words make two of them. Counter: block number (two words), then the
 * first 64 bits of the name's SHA-256; key: the seed.
 */
function* normals(name: string, count: number, seed: number, scale: number): Generator<Float32Array> {
  const digest = createHash('sha256').update(name).digest()
  const stream = [digest.readUInt32LE(0), digest.readUInt32LE(4)] as const
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)] as const
  for (let start = 0; start < count; start += pieceLength) {
    const piece = new Float32Array(Math.min(pieceLength, count - start))
    for (let i = 0; i < piece.length; i += 4) {
      const block = (start + i) / 4
      const words = philox4x32([block % 2 ** 32, Math.floor(block / 2 ** 32), ...stream], key)
      for (const pair of [0, 2] as const) {
        const radius = scale * Math.sqrt(-2 * Math.log((words[pair] + 1) / 2 ** 32))
        const angle = (2 * Math.PI * words[(pair + 1) as 1 | 3]) / 2 ** 32
        // Beyond the end of the last piece these are dropped.
        piece[i + pair] = radius * Math.cos(angle)
        piece[i + pair + 1] = radius * Math.sin(angle)
      }
    }
    yield piece
  }
}
