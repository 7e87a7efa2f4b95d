/** The head. */
import { op, type Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import type { Layers } from '../backbones/layers'

/** Logits [rows, V] of hidden states [rows, D] before the last norm. */
export function logitsOf(backbone: Backbone, layers: Layers, hidden: Tensor): Tensor {
  const weight = backbone.headWeight(layers)
  return op.Gemm(backbone.finalNorm(layers, hidden), weight, undefined, { transB: 1 })
}
