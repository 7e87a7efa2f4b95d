/** A model or an adapter with a number that is none computes nothing: it must not take the place of one that does. */
import type { FloatType, WeightSource } from '@evolmm/safetensors'
import { EvolmmError } from '../errors'

/** The least magnitude that is infinite once it is rounded to the type. */
const infiniteFrom: Readonly<Record<FloatType, number>> = {
  float32: Infinity,
  float16: 65520,
  bfloat16: (2 - 2 ** -8) * 2 ** 127,
}

/** The same weight; what reads its values gets `NOT_FINITE` for one that is not finite in the type of the file. */
export function finiteWeight(weight: WeightSource, dtype: FloatType): WeightSource {
  const { name, values } = weight
  const limit = infiniteFrom[dtype]
  return {
    ...weight,
    values: async function* () {
      for await (const piece of values instanceof Float32Array ? [values] : values()) {
        for (let i = 0; i < piece.length; i++)
          if (!(Math.abs(piece[i]) < limit)) throw notFinite(name, piece[i], dtype)
        yield piece
      }
    },
  }
}

function notFinite(name: string, value: number, dtype: FloatType): EvolmmError {
  return new EvolmmError(
    'NOT_FINITE',
    `weight ${JSON.stringify(name)}: must have finite ${dtype} numbers to be saved, got ${value}; ` +
      (Number.isFinite(value)
        ? 'save it as float32'
        : 'go on from where it still had them, with a lower learning rate'),
    { details: { name } },
  )
}
