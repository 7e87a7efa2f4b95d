/** The configurations of the published Qwen2.5-VL models (base and instruct alike), for sizing and for tests. */
import type { Qwen25Config } from './config'

interface Sizes {
  hiddenSize: number
  layers: number
  heads: number
  keyValueHeads: number
  intermediateSize: number
  vocabularySize: number
  visionIntermediateSize: number
  tieWordEmbeddings: boolean
}

/** Configurations by size; each is what `readConfig` makes of that model's `config.json`. */
export const publishedConfigs: Readonly<Record<'3B' | '7B' | '32B' | '72B', Qwen25Config>> = {
  '3B': published({
    hiddenSize: 2048,
    layers: 36,
    heads: 16,
    keyValueHeads: 2,
    intermediateSize: 11008,
    vocabularySize: 151936,
    visionIntermediateSize: 3420,
    tieWordEmbeddings: true,
  }),
  '7B': published({
    hiddenSize: 3584,
    layers: 28,
    heads: 28,
    keyValueHeads: 4,
    intermediateSize: 18944,
    vocabularySize: 152064,
    visionIntermediateSize: 3420,
    tieWordEmbeddings: false,
  }),
  '32B': published({
    hiddenSize: 5120,
    layers: 64,
    heads: 40,
    keyValueHeads: 8,
    intermediateSize: 27648,
    vocabularySize: 152064,
    visionIntermediateSize: 3456,
    tieWordEmbeddings: false,
  }),
  '72B': published({
    hiddenSize: 8192,
    layers: 80,
    heads: 64,
    keyValueHeads: 8,
    intermediateSize: 29568,
    vocabularySize: 152064,
    visionIntermediateSize: 3456,
    tieWordEmbeddings: false,
  }),
}

function published({ visionIntermediateSize, tieWordEmbeddings, ...text }: Sizes): Qwen25Config {
  return {
    text: {
      ...text,
      headSize: 128,
      ropeTheta: 1_000_000,
      mropeSection: [16, 24, 24],
      rmsNormEps: 1e-6,
      maxPositions: 128_000,
    },
    vision: {
      depth: 32,
      hiddenSize: 1280,
      intermediateSize: visionIntermediateSize,
      heads: 16,
      windowSize: 112,
      fullAttentionBlocks: [7, 15, 23, 31],
      channels: 3,
      outHiddenSize: text.hiddenSize,
      patchSize: 14,
      spatialMergeSize: 2,
      temporalPatchSize: 2,
    },
    imageToken: 151655,
    videoToken: 151656,
    visionStartToken: 151652,
    visionEndToken: 151653,
    tieWordEmbeddings,
  }
}
