/** The configurations of the published Qwen2-VL models, base and instruct alike. */
import type { MropeText } from '../qwen_vl/mrope-text'
import type { Qwen2Config } from './config'

type Sizes = Pick<
  MropeText,
  'hiddenSize' | 'intermediateSize' | 'layers' | 'heads' | 'keyValueHeads' | 'vocabularySize'
> & { tieWordEmbeddings: boolean }

/** The published configurations by the size of the model. */
export const publishedConfigs: Readonly<Record<'2B' | '7B' | '72B', Qwen2Config>> = {
  '2B': published({
    hiddenSize: 1536,
    intermediateSize: 8960,
    layers: 28,
    heads: 12,
    keyValueHeads: 2,
    vocabularySize: 151936,
    tieWordEmbeddings: true,
  }),
  '7B': published({
    hiddenSize: 3584,
    intermediateSize: 18944,
    layers: 28,
    heads: 28,
    keyValueHeads: 4,
    vocabularySize: 152064,
    tieWordEmbeddings: false,
  }),
  '72B': published({
    hiddenSize: 8192,
    intermediateSize: 29568,
    layers: 80,
    heads: 64,
    keyValueHeads: 8,
    vocabularySize: 152064,
    tieWordEmbeddings: false,
  }),
}

function published({ tieWordEmbeddings, ...text }: Sizes): Qwen2Config {
  return {
    text: {
      ...text,
      headSize: 128,
      ropeTheta: 1_000_000,
      mropeSection: [16, 24, 24],
      rmsNormEps: 1e-6,
      maxPositions: 32_768,
    },
    vision: {
      depth: 32,
      hiddenSize: 1280,
      intermediateSize: 5120,
      heads: 16,
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
