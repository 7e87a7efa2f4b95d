/** The head, which makes logits of hidden states. */
import type { Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import type { Layers } from '../backbones/layers'

/** Logits [rows, V] of hidden states [rows, D] before the last norm. */
export function logitsOf(backbone: Backbone, layers: Layers, hidden: Tensor): Tensor {
  return layers.linear(backbone.finalNorm(layers, hidden), backbone.head.module, backbone.head.weight)
}
