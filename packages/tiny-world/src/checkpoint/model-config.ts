/**
 * A Qwen2.5-VL of 1.4 million parameters. The language model's rotary base is 10 and width has most of the pairs: with
 * the published base of a million the columns of an image are hardly told apart at this head size, and colours are not
 * learned. All blocks of the vision tower see the whole image, which is one window.
 */
import { specialIds } from './tokenizer-files'
import type { BytePairs } from './train-bpe'

/** The `config.json` of the model. */
export function modelConfig(words: BytePairs): Record<string, unknown> {
  const ids = specialIds(words)
  return {
    model_type: 'qwen2_5_vl',
    hidden_size: 128,
    intermediate_size: 384,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: words.vocabulary.length + Object.keys(ids).length,
    rope_theta: 10,
    rope_scaling: { type: 'mrope', mrope_section: [2, 6, 8] },
    rms_norm_eps: 1e-6,
    max_position_embeddings: 4096,
    tie_word_embeddings: true,
    image_token_id: ids['<|image_pad|>'],
    video_token_id: ids['<|video_pad|>'],
    vision_start_token_id: ids['<|vision_start|>'],
    vision_end_token_id: ids['<|vision_end|>'],
    vision_config: {
      depth: 3,
      hidden_size: 96,
      intermediate_size: 256,
      num_heads: 3,
      window_size: 112,
      fullatt_block_indexes: [0, 1, 2],
      in_channels: 3,
      out_hidden_size: 128,
      patch_size: 14,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
    },
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
