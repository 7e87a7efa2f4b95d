/** A configuration back into the flat `config.json` of the hub, which every version of transformers reads. */
import type { QwenConfig } from './config'

/** Fields that our configuration has no use for and that a written file keeps from the file it descends from. */
const kept = [
  'bos_token_id',
  'eos_token_id',
  'pad_token_id',
  'vision_token_id',
  'attention_dropout',
  'initializer_range',
]

export interface HubConfigOptions {
  /** Type of the weights beside it. @default 'float32' */
  dtype?: 'float32' | 'float16' | 'bfloat16'
  /** Parsed `config.json` that the model descends from, flat or nested. Text token ids are kept from it. */
  source?: Readonly<Record<string, unknown>>
}

export function hubConfig(
  config: QwenConfig,
  { dtype = 'float32', source = {} }: HubConfigOptions = {},
): Record<string, unknown> {
  const { text, vision } = config
  const from = { ...source, ...(source.text_config as Record<string, unknown> | undefined) }
  const seconds = (source.vision_config as Record<string, unknown> | undefined)?.tokens_per_second ?? 2
  return {
    architectures: ['Qwen2_5_VLForConditionalGeneration'],
    attention_dropout: 0,
    ...Object.fromEntries(kept.filter((name) => from[name] !== undefined).map((name) => [name, from[name]])),
    vision_start_token_id: config.visionStartToken,
    vision_end_token_id: config.visionEndToken,
    image_token_id: config.imageToken,
    video_token_id: config.videoToken,
    hidden_act: 'silu',
    hidden_size: text.hiddenSize,
    intermediate_size: text.intermediateSize,
    max_position_embeddings: text.maxPositions,
    max_window_layers: text.layers,
    model_type: 'qwen2_5_vl',
    num_attention_heads: text.heads,
    num_hidden_layers: text.layers,
    num_key_value_heads: text.keyValueHeads,
    rms_norm_eps: text.rmsNormEps,
    rope_theta: text.ropeTheta,
    rope_scaling: { type: 'mrope', mrope_section: [...text.mropeSection] },
    tie_word_embeddings: config.tieWordEmbeddings,
    torch_dtype: dtype,
    use_cache: true,
    use_sliding_window: false,
    vision_config: {
      depth: vision.depth,
      hidden_act: 'silu',
      hidden_size: vision.hiddenSize,
      intermediate_size: vision.intermediateSize,
      num_heads: vision.heads,
      in_channels: vision.channels,
      in_chans: vision.channels,
      out_hidden_size: vision.outHiddenSize,
      patch_size: vision.patchSize,
      spatial_merge_size: vision.spatialMergeSize,
      spatial_patch_size: vision.patchSize,
      window_size: vision.windowSize,
      fullatt_block_indexes: [...vision.fullAttentionBlocks],
      tokens_per_second: seconds,
      temporal_patch_size: vision.temporalPatchSize,
    },
    vocab_size: text.vocabularySize,
  }
}
