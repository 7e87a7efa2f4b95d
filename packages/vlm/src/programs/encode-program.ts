/** The vision tower as a program: pixels of one or more images to image tokens. */
import { op, type Graph, type Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import { programGraph } from './program-graph'
import { programLayers, trainedInput } from './program-layers'
import type { Trainable } from './trainable'
import { frozenWeights, type WeightFiles } from './weight-files'

export interface EncodeProgramOptions {
  backbone: Backbone
  files: WeightFiles
  /** @default the base model */
  trainable?: Trainable | undefined
}

/** Inputs: those of the backbone's `visionInputs`, and `parameters` [P] if trained. Output: `features`, [tokens, D]. */
export function encodeProgram({ backbone, files, trainable }: EncodeProgramOptions): Graph {
  const graph = programGraph('encode')
  const trained = trainable && trainedInput(graph, trainable)
  const layers = programLayers({
    graph,
    frozen: frozenWeights(graph, files),
    trained,
    quantized: files.quantized,
  })
  graph.output('features', op.Identity(backbone.vision(layers, visionInputs(graph, backbone))))
  return graph
}

/** Declares the inputs of the vision tower. */
export function visionInputs(graph: Graph, { visionInputs: inputs }: Backbone): Map<string, Tensor> {
  return new Map(inputs.map(({ name, dtype, shape }) => [name, graph.input(name, dtype, shape)]))
}
