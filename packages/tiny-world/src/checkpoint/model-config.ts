/**
 * A Qwen2.5-VL of 1.4 million parameters. The language model's rotary base is 10 and width has most of the pairs: with
 * the published base of a million the columns of an image are hardly told apart at this head size, and colours are not
 * learned. All blocks of the vision tower see the whole image, which is one window.
 */
import type { QwenConfig } from '@evolmm/vlm'
import { specialIds } from './tokenizer-files'
import type { BytePairs } from './train-bpe'

export function modelConfig(words: BytePairs): QwenConfig {
  const ids = specialIds(words)
  return {
    text: {
      hiddenSize: 128,
      intermediateSize: 384,
      layers: 4,
      heads: 4,
      keyValueHeads: 2,
      headSize: 32,
      vocabularySize: words.vocabulary.length + Object.keys(ids).length,
      ropeTheta: 10,
      mropeSection: [2, 6, 8],
      rmsNormEps: 1e-6,
      maxPositions: 4096,
    },
    vision: {
      depth: 3,
      hiddenSize: 96,
      intermediateSize: 256,
      heads: 3,
      windowSize: 112,
      fullAttentionBlocks: [0, 1, 2],
      channels: 3,
      outHiddenSize: 128,
      patchSize: 14,
      spatialMergeSize: 2,
      temporalPatchSize: 2,
    },
    imageToken: ids['<|image_pad|>'],
    videoToken: ids['<|video_pad|>'],
    visionStartToken: ids['<|vision_start|>'],
    visionEndToken: ids['<|vision_end|>'],
    tieWordEmbeddings: true,
  }
}

/** Spread of a matrix's random weights at the start, for canonical names and shapes `[out, in]`. */
export function initialDeviation(name: string, shape: readonly number[]): number {
  // Both copies of a still image pass it, so the sum of the two halves has a deviation of 0.02.
  if (name.endsWith('patch_embed.proj.weight')) return 0.02 / Math.SQRT2
  if (name.endsWith('embed_tokens.weight')) return 0.05
  const gain = name.endsWith('merger.mlp.2.weight') ? 0.2 : 0.7
  const ofBlock = /(?:o_proj|attn\.proj|down_proj)\.weight$/.test(name) ? 0.35 : 1
  return (gain * ofBlock) / Math.sqrt(shape[1])
}
