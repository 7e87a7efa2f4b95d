/** Prompts with image tokens in place of their placeholders, shared by the learning pass and the sampler. */
import { op, type Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import type { Layers } from '../backbones/layers'

export interface EmbeddedPrompts {
  /** int64 [rows] */
  ids: Tensor
  /** Image tokens of all prompts in order, [tokens, D]. */
  features: Tensor
  /** The row of each image token, int64 [tokens]. */
  imageRows: Tensor
}

/** [rows, D] */
export function embeddedPrompts(backbone: Backbone, layers: Layers, prompts: EmbeddedPrompts): Tensor {
  const { ids, features, imageRows } = prompts
  return op.ScatterND(backbone.embed(layers, ids), op.Unsqueeze(imageRows, [1]), features)
}
