/** The vision tower as a program: pixels of one or more images to image tokens. */
import { Graph, op, type Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import { programLayers } from './program-layers'
import { frozenWeights, type WeightFiles } from './weight-files'

/** Inputs: those of the backbone's `visionInputs`. Output: `features`, [tokens, D]. */
export function encodeProgram(backbone: Backbone, files: WeightFiles): Graph {
  const graph = new Graph('encode')
  const layers = programLayers({ graph, frozen: frozenWeights(graph, files) })
  graph.output('features', op.Identity(backbone.vision(layers, visionInputs(graph, backbone))))
  return graph
}

/** Declares the inputs of the vision tower. */
export function visionInputs(graph: Graph, { visionInputs: inputs }: Backbone): Map<string, Tensor> {
  return new Map(inputs.map(({ name, dtype, shape }) => [name, graph.input(name, dtype, shape)]))
}
