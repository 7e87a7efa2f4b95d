/** What the layers of a model see, and what a program must know of tokens for it. */
import type { Graph, Shape, Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import type { MaskKind } from '../backbones/layers'

/** The kind of each layer. */
export function maskKinds({ sizes, mask = () => ({}) }: Backbone): MaskKind[] {
  return Array.from({ length: sizes.layers }, (_, layer) => mask(layer))
}

export interface MaskInputs {
  kinds: readonly MaskKind[]
  /** The place of each token in its own sequence, int64; there if a layer has a window. */
  places?: Tensor | undefined
  /** The stretch of image tokens that each token belongs to, from 1, or 0, int64; there if images see themselves. */
  imageRuns?: Tensor | undefined
}

/** Declares `places` and `image_runs` of that shape where a layer asks for them. */
export function maskInputs(graph: Graph, backbone: Backbone, shape: Shape): MaskInputs {
  const kinds = maskKinds(backbone)
  const windows = kinds.some(({ window }) => window !== undefined)
  return {
    kinds,
    places: windows ? graph.input('places', 'int64', shape) : undefined,
    imageRuns: imageRunsInput(graph, kinds, shape),
  }
}

export function imageRunsInput(graph: Graph, kinds: readonly MaskKind[], shape: Shape): Tensor | undefined {
  return kinds.some(({ wholeImages }) => wholeImages) ? graph.input('image_runs', 'int64', shape) : undefined
}

/** The mask of each layer, made once for each kind, and before any block. */
export function masksOf(kinds: readonly MaskKind[], make: (kind: MaskKind) => Tensor): readonly Tensor[] {
  const made = new Map<string, Tensor>()
  return kinds.map((kind) => {
    const key = JSON.stringify([kind.window, kind.wholeImages ?? false])
    const mask = made.get(key) ?? make(kind)
    made.set(key, mask)
    return mask
  })
}
