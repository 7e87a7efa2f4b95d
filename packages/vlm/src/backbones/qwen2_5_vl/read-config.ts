/**
 * `config.json` of a Qwen2.5-VL checkpoint, in the flat layout of the hub or the nested one that newer transformers
 * write. What the file asks for and we do not implement is refused, never ignored: the model would be another one.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { z } from 'zod'
import type { QwenConfig } from './config'

const architecture = 'Qwen2_5_VLForConditionalGeneration'
const modelType = 'qwen2_5_vl'

const size = z.int().min(1)
/** Layers; the bound keeps a wrong file from asking for billions of weights. */
const count = z.int().min(1).max(10_000)
const token = z.int().min(0)
const rope = z.object({
  type: z.string().nullish(),
  rope_type: z.string().nullish(),
  mrope_section: z.tuple([token, token, token]),
  rope_theta: z.number().positive().optional(),
})

const textSchema = z.object({
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: count,
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
  vision_start_token_id: token.nullish(),
  vision_end_token_id: token.nullish(),
})

/** The defaults are those of transformers; the published 32B file relies on them. */
const visionSchema = z.object({
  depth: count.default(32),
  hidden_size: size,
  intermediate_size: size,
  num_heads: size.default(16),
  window_size: size.default(112),
  fullatt_block_indexes: z.array(token).default([7, 15, 23, 31]),
  in_channels: size.nullish(),
  in_chans: size.nullish(),
  out_hidden_size: size,
  patch_size: size.default(14),
  spatial_merge_size: size.default(2),
  temporal_patch_size: size.default(2),
  hidden_act: z.literal('silu').default('silu'),
})

const topSchema = z.object({
  quantization_config: z.null({ error: 'must be absent: quantised weights are not implemented' }).optional(),
  vision_config: visionSchema,
  image_token_id: token.default(151655),
  video_token_id: token.default(151656),
  vision_start_token_id: token.nullish(),
  vision_end_token_id: token.nullish(),
  tie_word_embeddings: z.boolean().nullish(),
})

/**
 * The configuration in `folder`. Throws `UNREADABLE_FILE`, `UNSUPPORTED_MODEL` for another architecture, and
 * `INVALID_CONFIG` for a field that is missing, wrong, at odds with another or not implemented.
 */
export async function readConfig(folder: string): Promise<QwenConfig> {
  const file = join(folder, 'config.json')
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new EvolmmError(
      'UNREADABLE_FILE',
      `${file}: must be a readable file, got ${cause instanceof Error ? cause.message : 'an error'}; check the path`,
      { details: { file }, cause },
    )
  })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw invalid(
      file,
      'the file',
      `must be JSON, got ${cause instanceof Error ? cause.message : 'other text'}`,
    )
  }
  return parseConfig(json, file)
}

/** `readConfig` for JSON that is at hand; `file` is what errors call it. */
export function parseConfig(json: unknown, file = 'config.json'): QwenConfig {
  const raw = check(file, '', z.record(z.string(), z.unknown()), json)
  checkArchitecture(file, raw)
  const nested = raw.text_config !== undefined && raw.text_config !== null
  const prefix = nested ? 'text_config.' : ''
  const text = check(file, prefix, textSchema, nested ? raw.text_config : raw)
  const top = check(file, '', topSchema, raw)
  const fail = (field: string, rule: string) => invalid(file, field, rule)
  const field = (name: string) => `${prefix}${name}`

  const ropeName = text.rope_scaling ? 'rope_scaling' : 'rope_parameters'
  const rotary = text.rope_scaling ?? text.rope_parameters
  if (!rotary) throw fail(field('rope_scaling'), 'must be an object with mrope_section, got none')
  for (const name of ['type', 'rope_type'] as const) {
    const kind = rotary[name]
    if (kind && kind !== 'mrope' && kind !== 'default')
      throw fail(field(`${ropeName}.${name}`), `must be mrope or default, the types implemented, got ${kind}`)
  }
  const ropeTheta = rotary.rope_theta ?? text.rope_theta ?? 1e6

  const config = {
    text: {
      hiddenSize: text.hidden_size,
      intermediateSize: text.intermediate_size,
      layers: text.num_hidden_layers,
      heads: text.num_attention_heads,
      keyValueHeads: text.num_key_value_heads ?? text.num_attention_heads,
      headSize: text.head_dim ?? text.hidden_size / text.num_attention_heads,
      vocabularySize: text.vocab_size,
      ropeTheta,
      mropeSection: rotary.mrope_section,
      rmsNormEps: text.rms_norm_eps,
      maxPositions: text.max_position_embeddings,
    },
    vision: {
      depth: top.vision_config.depth,
      hiddenSize: top.vision_config.hidden_size,
      intermediateSize: top.vision_config.intermediate_size,
      heads: top.vision_config.num_heads,
      windowSize: top.vision_config.window_size,
      fullAttentionBlocks: top.vision_config.fullatt_block_indexes,
      channels: top.vision_config.in_channels ?? top.vision_config.in_chans ?? 3,
      outHiddenSize: top.vision_config.out_hidden_size,
      patchSize: top.vision_config.patch_size,
      spatialMergeSize: top.vision_config.spatial_merge_size,
      temporalPatchSize: top.vision_config.temporal_patch_size,
    },
    imageToken: top.image_token_id,
    videoToken: top.video_token_id,
    visionStartToken: top.vision_start_token_id ?? text.vision_start_token_id ?? 151652,
    visionEndToken: top.vision_end_token_id ?? text.vision_end_token_id ?? 151653,
    tieWordEmbeddings: top.tie_word_embeddings ?? text.tie_word_embeddings ?? false,
  }
  checkConsistency(config, field, ropeName, fail)
  return config
}

function checkArchitecture(file: string, raw: Record<string, unknown>): void {
  const { architectures, model_type: type } = raw
  const known =
    architectures === undefined || (Array.isArray(architectures) && architectures.includes(architecture))
  if (known && type === modelType) return
  const [name, value] = known ? ['model_type', type] : ['architectures', architectures]
  throw new EvolmmError(
    'UNSUPPORTED_MODEL',
    `${file}: ${name} must be of a supported model (${architecture}, model_type ${modelType}), got ${show(value)}; use such a checkpoint`,
    { details: { file, field: name, value } },
  )
}

/** What one field asks of another. */
function checkConsistency(
  config: QwenConfig,
  field: (name: string) => string,
  ropeName: string,
  fail: (field: string, rule: string) => EvolmmError,
): void {
  const { text, vision } = config
  const tile = vision.patchSize * vision.spatialMergeSize
  const sections = text.mropeSection.reduce((sum, pairs) => sum + pairs, 0)
  const multiple = (name: string, value: number, of: number, what: string) => {
    if (value % of !== 0) throw fail(name, `must be a multiple of ${what}, ${of}, got ${value}`)
  }
  const equal = (name: string, value: number, other: number, what: string) => {
    if (value !== other) throw fail(name, `must be ${what}, ${other}, got ${value}`)
  }
  multiple(field('hidden_size'), text.hiddenSize, text.heads, 'num_attention_heads')
  if (text.heads % text.keyValueHeads !== 0)
    throw fail(
      field('num_key_value_heads'),
      `must divide num_attention_heads, ${text.heads}, got ${text.keyValueHeads}`,
    )
  equal(field('head_dim'), text.headSize, text.hiddenSize / text.heads, 'hidden_size / num_attention_heads')
  multiple(field('hidden_size'), text.hiddenSize, 2 * text.heads, 'twice num_attention_heads')
  equal(
    field(`${ropeName}.mrope_section`),
    sections,
    text.headSize / 2,
    'three numbers whose sum is half a head',
  )
  multiple('vision_config.hidden_size', vision.hiddenSize, 4 * vision.heads, 'four times num_heads')
  multiple('vision_config.window_size', vision.windowSize, tile, 'patch_size * spatial_merge_size')
  equal(
    'vision_config.out_hidden_size',
    vision.outHiddenSize,
    text.hiddenSize,
    'hidden_size of the language model',
  )
  const beyond = vision.fullAttentionBlocks.find((block) => block >= vision.depth)
  if (beyond !== undefined)
    throw fail('vision_config.fullatt_block_indexes', `must be below depth, ${vision.depth}, got ${beyond}`)
  const tokens = {
    image: config.imageToken,
    video: config.videoToken,
    vision_start: config.visionStartToken,
    vision_end: config.visionEndToken,
  }
  for (const [name, id] of Object.entries(tokens))
    if (id >= text.vocabularySize)
      throw fail(`${name}_token_id`, `must be within the vocabulary of ${text.vocabularySize}, got ${id}`)
}

function check<T>(file: string, prefix: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  const [{ path, message, input }] = result.error.issues as [z.core.$ZodIssue]
  const name = `${prefix}${path.join('.')}`.replace(/\.$/, '')
  throw invalid(file, name === '' ? 'the file' : name, `${message}, got ${show(input)}`)
}

function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value).slice(0, 100)
}

function invalid(file: string, field: string, rule: string): EvolmmError {
  return new EvolmmError(
    'INVALID_CONFIG',
    `${file}: ${field}: ${rule}; use the configuration of a supported model`,
    {
      details: { file, field },
    },
  )
}
