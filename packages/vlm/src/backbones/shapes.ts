/** Sizes of a model, from which its memory is estimated. */

/** A stack of transformer blocks. */
interface BlockShape {
  layers: number
  hiddenSize: number
  intermediateSize: number
  heads: number
}

export interface LanguageShape extends BlockShape {
  keyValueHeads: number
  headSize: number
}

export interface VisionShape extends BlockShape {
  /** Numbers that a patch is fed as. */
  patchSize: number
  patchesPerToken: number
  /** Layers whose rows see `window` patches; in the others they see their whole image. */
  windowedLayers: number
  window: number
}
