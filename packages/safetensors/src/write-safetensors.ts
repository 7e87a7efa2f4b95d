/** Writes float values as a `.safetensors` file, rounded to nearest even where the type is a 16-bit one. */
import { checkList, checkNames, checkText, rowMajor } from '@evolmm/internal'
import { narrowHalf } from './half'
import type { FloatArray, FloatType } from './stored-tensor'
import { writeTensors, type WriteTensorsOptions } from './write-tensors'

/** A weight on its way into a file. */
export interface WeightSource {
  name: string
  shape: readonly number[]
  /** All values in row-major order, or a function that gives them in pieces when the weight's turn has come. */
  values: Float32Array | (() => Iterable<Float32Array> | AsyncIterable<Float32Array>)
}

export interface WriteSafetensorsOptions extends WriteTensorsOptions {
  /** Type of the values in the file. @default 'float32' */
  dtype?: FloatType
}

/** Values that are written at once: a view of the bytes of a whole vector of more than 4 GiB cannot be made. */
const valuesAtOnce = 1 << 20

type Arrays = ReadonlyMap<string, FloatArray>

const types = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const

/** Writes arrays by name, or sources, in their order. Throws `INVALID_TENSOR` or `UNWRITABLE_FILE`; then there is no new file. */
export async function writeSafetensors(
  file: string,
  tensors: Arrays | readonly WeightSource[],
  options: WriteSafetensorsOptions = {},
): Promise<void> {
  checkNames('writeSafetensors', options, { dtype: true, metadata: true, alignment: true })
  const { dtype = 'float32', ...rest } = options
  checkText('file', file)
  const sources = sourcesOf(tensors).map(({ name, shape, values }) => ({
    ...{ name, shape, type: types[dtype] },
    pieces: () => bytesFrom(values, dtype),
  }))
  await writeTensors(file, sources, rest)
}

function sourcesOf(tensors: Arrays | readonly WeightSource[]): readonly WeightSource[] {
  if (!isMap(tensors)) {
    checkList('tensors', tensors)
    return tensors
  }
  return Array.from(tensors, ([name, array]) => ({
    ...{ name, shape: array.shape },
    values: () => [rowMajor(array)],
  }))
}

function isMap(tensors: Arrays | readonly WeightSource[]): tensors is Arrays {
  return tensors instanceof Map
}

async function* bytesFrom(values: WeightSource['values'], dtype: FloatType): AsyncGenerator<Uint8Array> {
  for await (const piece of values instanceof Float32Array ? [values] : values())
    for (let start = 0; start < piece.length; start += valuesAtOnce) {
      const part = piece.subarray(start, start + valuesAtOnce)
      const data = dtype === 'float32' ? part : narrowHalf(part, dtype)
      yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    }
}
