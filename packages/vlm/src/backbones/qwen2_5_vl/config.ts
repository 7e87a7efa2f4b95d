/**
 * The configuration of a Qwen2.5-VL model as the rest of the package sees it: one form, whichever of the two JSON layouts
 * (flat as on the hub, nested as newer transformers write it) it was read from.
 */
export interface QwenConfig {
  text: {
    hiddenSize: number
    intermediateSize: number
    layers: number
    heads: number
    keyValueHeads: number
    /** Width of one head, `hiddenSize / heads` unless the file says otherwise. */
    headSize: number
    vocabularySize: number
    ropeTheta: number
    /** Rotary pairs for time, height and width; they sum to `headSize / 2`. */
    mropeSection: readonly [number, number, number]
    rmsNormEps: number
    maxPositions: number
  }
  vision: {
    depth: number
    hiddenSize: number
    intermediateSize: number
    heads: number
    /** Side of an attention window in pixels. */
    windowSize: number
    /** Blocks that attend over the whole image. */
    fullAttentionBlocks: readonly number[]
    channels: number
    outHiddenSize: number
    patchSize: number
    spatialMergeSize: number
    temporalPatchSize: number
  }
  imageToken: number
  videoToken: number
  visionStartToken: number
  visionEndToken: number
  /** The head is the embedding matrix. */
  tieWordEmbeddings: boolean
}
