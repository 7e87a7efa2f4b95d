/** What a program reads of images. */
import type { Graph, Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import type { ImageRows } from '../backbones/layers'
import type { Vision } from '../backbones/vision'

/** Declares `feature_rows` int64 [tokens], the row of each image token; nothing for a model of text alone. */
export function featureRows(graph: Graph, { vision }: Backbone): Tensor | undefined {
  return vision && graph.input('feature_rows', 'int64', ['image_tokens'])
}

/** Declares `features` [tokens, featureSize], image tokens of all prompts in order. */
export function featuresInput(graph: Graph, { vision }: Backbone): Tensor | undefined {
  return vision && graph.input('features', 'float32', ['image_tokens', vision.featureSize])
}

/** Image features that may be there, in their places. */
export function imageRows(rows: Tensor | undefined, features: Tensor | undefined): ImageRows | undefined {
  return rows && features && { rows, features }
}

/** Declares the inputs of the vision tower, for runs of `one` image or of any number. */
export function visionInputs(graph: Graph, { inputs }: Vision, one = false): Map<string, Tensor> {
  const read = inputs.filter(({ several = false }) => !(one && several))
  return new Map(read.map(({ name, dtype, shape }) => [name, graph.input(name, dtype, shape)]))
}
