/**
 * The language half of a configuration with three position axes in sections: in the flat layout of the hub or the nested
 * one that newer transformers write.
 */
import { z } from 'zod'
import type { JsonObject } from '../../checkpoint/read-checkpoint-file'
import { checkFields, invalidConfig, layerCount, size, tokenId } from '../parts/config-fields'
import type { DecoderConfig } from '../parts/decoder'

export interface MropeText extends DecoderConfig {
  ropeTheta: number
  /** Rotary pairs for time, height and width; they sum to `headSize / 2`. */
  mropeSection: readonly [number, number, number]
  maxPositions: number
}

/** Tokens that stand for images and around them. */
interface VisionTokens {
  imageToken: number
  videoToken: number
  visionStartToken: number
  visionEndToken: number
}

export interface MropeModel extends VisionTokens {
  text: MropeText
  /** The head is the embedding matrix. */
  tieWordEmbeddings: boolean
}

const rope = z.object({
  type: z.string().nullish(),
  rope_type: z.string().nullish(),
  mrope_section: z.tuple([tokenId, tokenId, tokenId]),
  rope_theta: z.number().positive().optional(),
})

const textSchema = z.object({
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  vocab_size: size,
  rope_theta: z.number().positive().nullish(),
  rope_scaling: rope.nullish(),
  rope_parameters: rope.nullish(),
  rms_norm_eps: z.number().positive(),
  max_position_embeddings: size,
  hidden_act: z.literal('silu').default('silu'),
  use_sliding_window: z
    .literal(false, { error: 'must be false: sliding windows are not implemented' })
    .nullish(),
  layer_types: z.array(z.literal('full_attention')).nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  vision_start_token_id: tokenId.nullish(),
  vision_end_token_id: tokenId.nullish(),
})

const topSchema = z.object({
  quantization_config: z.null({ error: 'must be absent: quantised weights are not implemented' }).optional(),
  image_token_id: tokenId.default(151655),
  video_token_id: tokenId.default(151656),
  vision_start_token_id: tokenId.nullish(),
  vision_end_token_id: tokenId.nullish(),
  tie_word_embeddings: z.boolean().nullish(),
})

/** Throws `INVALID_CONFIG` for a field that is missing, wrong, at odds with another or not implemented. */
export function readMropeModel(json: JsonObject, file: string): MropeModel {
  const nested = json.text_config !== undefined && json.text_config !== null
  const prefix = nested ? 'text_config.' : ''
  const text = checkFields(textSchema, nested ? json.text_config : json, { file, prefix })
  const top = checkFields(topSchema, json, { file, prefix: '' })
  const fail = (field: string, rule: string) => invalidConfig(file, `${prefix}${field}`, rule)

  const ropeName = text.rope_scaling ? 'rope_scaling' : 'rope_parameters'
  const rotary = text.rope_scaling ?? text.rope_parameters
  if (!rotary) throw fail('rope_scaling', 'must be an object with mrope_section, got none')
  for (const name of ['type', 'rope_type'] as const) {
    const kind = rotary[name]
    if (kind && kind !== 'mrope' && kind !== 'default')
      throw fail(`${ropeName}.${name}`, `must be mrope or default, the types implemented, got ${kind}`)
  }
  const model: MropeModel = {
    text: {
      hiddenSize: text.hidden_size,
      intermediateSize: text.intermediate_size,
      layers: text.num_hidden_layers,
      heads: text.num_attention_heads,
      keyValueHeads: text.num_key_value_heads ?? text.num_attention_heads,
      headSize: text.head_dim ?? text.hidden_size / text.num_attention_heads,
      vocabularySize: text.vocab_size,
      ropeTheta: rotary.rope_theta ?? text.rope_theta ?? 1e6,
      mropeSection: rotary.mrope_section,
      rmsNormEps: text.rms_norm_eps,
      maxPositions: text.max_position_embeddings,
    },
    imageToken: top.image_token_id,
    videoToken: top.video_token_id,
    visionStartToken: top.vision_start_token_id ?? text.vision_start_token_id ?? 151652,
    visionEndToken: top.vision_end_token_id ?? text.vision_end_token_id ?? 151653,
    tieWordEmbeddings: top.tie_word_embeddings ?? text.tie_word_embeddings ?? false,
  }
  checkHeads(model.text, `${ropeName}.mrope_section`, fail)
  checkTokens(model, file)
  return model
}

function checkHeads(
  { hiddenSize, heads, keyValueHeads, headSize, mropeSection }: MropeText,
  sectionName: string,
  fail: (field: string, rule: string) => Error,
): void {
  const pairs = mropeSection.reduce((sum, count) => sum + count, 0)
  if (hiddenSize % heads !== 0)
    throw fail('hidden_size', `must be a multiple of num_attention_heads, ${heads}, got ${hiddenSize}`)
  if (heads % keyValueHeads !== 0)
    throw fail('num_key_value_heads', `must divide num_attention_heads, ${heads}, got ${keyValueHeads}`)
  if (headSize !== hiddenSize / heads)
    throw fail(
      'head_dim',
      `must be hidden_size / num_attention_heads, ${hiddenSize / heads}, got ${headSize}`,
    )
  if (hiddenSize % (2 * heads) !== 0)
    throw fail(
      'hidden_size',
      `must be a multiple of twice num_attention_heads, ${2 * heads}, got ${hiddenSize}`,
    )
  if (pairs !== headSize / 2)
    throw fail(sectionName, `must be three numbers whose sum is half a head, ${headSize / 2}, got ${pairs}`)
}

function checkTokens(
  { text, imageToken, videoToken, visionStartToken, visionEndToken }: MropeModel,
  file: string,
): void {
  const tokens = {
    image: imageToken,
    video: videoToken,
    vision_start: visionStartToken,
    vision_end: visionEndToken,
  }
  for (const [name, id] of Object.entries(tokens))
    if (id >= text.vocabularySize)
      throw invalidConfig(
        file,
        `${name}_token_id`,
        `must be within the vocabulary of ${text.vocabularySize}, got ${id}`,
      )
}

/** Fields that our configuration has no use for and that a written file keeps from the file it descends from. */
const kept = [
  'bos_token_id',
  'eos_token_id',
  'pad_token_id',
  'vision_token_id',
  'attention_dropout',
  'initializer_range',
]

/** Back into the flat layout, which every version of transformers reads. Text token ids are kept from `source`. */
export function mropeModelJson({ text, ...model }: MropeModel, source: JsonObject): JsonObject {
  const from: JsonObject = { ...source, ...(source.text_config as JsonObject | undefined) }
  return {
    attention_dropout: 0,
    ...Object.fromEntries(kept.filter((name) => from[name] !== undefined).map((name) => [name, from[name]])),
    vision_start_token_id: model.visionStartToken,
    vision_end_token_id: model.visionEndToken,
    image_token_id: model.imageToken,
    video_token_id: model.videoToken,
    hidden_act: 'silu',
    hidden_size: text.hiddenSize,
    intermediate_size: text.intermediateSize,
    max_position_embeddings: text.maxPositions,
    max_window_layers: text.layers,
    num_attention_heads: text.heads,
    num_hidden_layers: text.layers,
    num_key_value_heads: text.keyValueHeads,
    rms_norm_eps: text.rmsNormEps,
    rope_theta: text.ropeTheta,
    rope_scaling: { type: 'mrope', mrope_section: [...text.mropeSection] },
    tie_word_embeddings: model.tieWordEmbeddings,
    use_cache: true,
    use_sliding_window: false,
    vocab_size: text.vocabularySize,
  }
}
