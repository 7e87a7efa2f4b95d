/** Weights that are not there: names, types and places, which is all that the building of a program asks of them. */
import { countOf } from '@evolmm/internal'
import type { DType } from '@evolmm/onnx'
import { bytesPerValue, type FloatType } from '@evolmm/safetensors'
import type { Backbone } from '../backbones/backbone'
import { quantizedTensors } from '../checkpoint/quantized-checkpoint'
import { quantizable } from './quantizable'
import type { WeightFiles } from './weight-files'

export interface PlaceholderWeightsOptions {
  /** Type of the weights. */
  dtype: FloatType
  /** `int4` holds the matrices of linear modules in four bits. @default none */
  quantize?: 'int4' | undefined
}

interface Sized {
  name: string
  dtype: DType
  shape: readonly number[]
  bytes: number
}

/** A model's weights one after the other in a file that nobody has. */
export function placeholderWeights(
  backbone: Backbone,
  { dtype, quantize }: PlaceholderWeightsOptions,
): WeightFiles {
  const quantized = new Set(quantize === undefined ? [] : quantizable(backbone))
  let offset = 0
  const tensors = [...backbone.weights].flatMap(([name, shape]): Sized[] =>
    quantized.has(name)
      ? quantizedTensors(name, shape)
      : [{ name, dtype, shape, bytes: bytesPerValue[dtype] * countOf(shape) }],
  )
  const located = tensors.map(({ name, dtype: type, shape, bytes }) => {
    offset += bytes
    const place = { location: 'weights.bin', offset: offset - bytes, length: bytes }
    return [name, { dtype: type, dims: shape, ...place }] as const
  })
  return { folder: '', tensors: new Map(located), quantized: 'dequantized' }
}
