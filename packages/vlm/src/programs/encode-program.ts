/** The vision tower as a program: pixels of one or more images to image tokens. */
import { op, type Graph } from '@evolmm/onnx'
import type { Vision } from '../backbones/vision'
import { visionInputs } from './image-inputs'
import { programGraph } from './program-graph'
import { programLayers, trainedInput } from './program-layers'
import type { Trainable } from './trainable'
import { frozenWeights, type WeightFiles } from './weight-files'

export interface EncodeProgramOptions {
  vision: Vision
  files: WeightFiles
  /** @default the base model */
  trainable?: Trainable | undefined
  /** True if each run is of one image. @default false */
  one?: boolean
}

/** Inputs: those of the tower, and `parameters` [P] if trained. Output: `features`, [tokens, featureSize]. */
export function encodeProgram({ vision, files, trainable, one }: EncodeProgramOptions): Graph {
  const graph = programGraph('encode')
  const trained = trainable && trainedInput(graph, trainable)
  const layers = programLayers({
    graph,
    frozen: frozenWeights(graph, files),
    trained,
    quantized: files.quantized,
    loops: files.loops,
  })
  graph.output('features', op.Identity(vision.features(layers, visionInputs(graph, vision, one))))
  return graph
}
