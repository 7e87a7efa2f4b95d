/**
 * Which tensors a Qwen2.5-VL model of a given configuration has: canonical name (see `backbones/parts/module-names`) to shape.
 * Linear weights are `[out, in]`; the patch embedding is a convolution `[hidden, C, T, P, P]` without a bias.
 */
import type { QwenConfig } from './config'

/** Every tensor of the model, in the order of its layers. A tied head is no tensor of its own. */
export function expectedWeights(config: QwenConfig): Map<string, readonly number[]> {
  const { vision } = config
  const patches = [
    vision.hiddenSize,
    vision.channels,
    vision.temporalPatchSize,
    vision.patchSize,
    vision.patchSize,
  ]
  return new Map<string, readonly number[]>([
    ['model.visual.patch_embed.proj.weight', patches],
    ...range(vision.depth).flatMap((i) => visionBlock(`model.visual.blocks.${i}`, config)),
    ...merger('model.visual.merger', config),
    ['model.language_model.embed_tokens.weight', [config.text.vocabularySize, config.text.hiddenSize]],
    ...range(config.text.layers).flatMap((i) => decoderLayer(`model.language_model.layers.${i}`, config)),
    ['model.language_model.norm.weight', [config.text.hiddenSize]],
    ...(config.tieWordEmbeddings ? [] : [head(config)]),
  ])
}

/**
 * The linear modules of the model, which are what an adapter can attach to: canonical module name to `[out, in]`. The
 * head is one of them, tied or not; embeddings and the patch convolution are not.
 */
export function linearModules(config: QwenConfig): Map<string, readonly [number, number]> {
  const weights = [...expectedWeights({ ...config, tieWordEmbeddings: false })]
  const matrices = weights.filter(
    ([name, shape]) => shape.length === 2 && !name.endsWith('embed_tokens.weight'),
  )
  return new Map(
    matrices.map(([name, [out, inputs]]) => [name.replace(/\.weight$/, ''), [out, inputs]] as const),
  )
}

type Entry = [string, readonly number[]]

function visionBlock(block: string, { vision }: QwenConfig): Entry[] {
  const { hiddenSize, intermediateSize } = vision
  return [
    [`${block}.norm1.weight`, [hiddenSize]],
    ...linear(`${block}.attn.qkv`, 3 * hiddenSize, hiddenSize),
    ...linear(`${block}.attn.proj`, hiddenSize, hiddenSize),
    [`${block}.norm2.weight`, [hiddenSize]],
    ...linear(`${block}.mlp.gate_proj`, intermediateSize, hiddenSize),
    ...linear(`${block}.mlp.up_proj`, intermediateSize, hiddenSize),
    ...linear(`${block}.mlp.down_proj`, hiddenSize, intermediateSize),
  ]
}

function merger(name: string, { vision }: QwenConfig): Entry[] {
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2
  return [
    [`${name}.ln_q.weight`, [vision.hiddenSize]],
    ...linear(`${name}.mlp.0`, merged, merged),
    ...linear(`${name}.mlp.2`, vision.outHiddenSize, merged),
  ]
}

function decoderLayer(layer: string, { text }: QwenConfig): Entry[] {
  const { hiddenSize, intermediateSize } = text
  const queries = text.heads * text.headSize
  const keys = text.keyValueHeads * text.headSize
  return [
    [`${layer}.input_layernorm.weight`, [hiddenSize]],
    ...linear(`${layer}.self_attn.q_proj`, queries, hiddenSize),
    ...linear(`${layer}.self_attn.k_proj`, keys, hiddenSize),
    ...linear(`${layer}.self_attn.v_proj`, keys, hiddenSize),
    [`${layer}.self_attn.o_proj.weight`, [hiddenSize, queries]],
    [`${layer}.post_attention_layernorm.weight`, [hiddenSize]],
    [`${layer}.mlp.gate_proj.weight`, [intermediateSize, hiddenSize]],
    [`${layer}.mlp.up_proj.weight`, [intermediateSize, hiddenSize]],
    [`${layer}.mlp.down_proj.weight`, [hiddenSize, intermediateSize]],
  ]
}

function head({ text }: QwenConfig): Entry {
  return ['lm_head.weight', [text.vocabularySize, text.hiddenSize]]
}

function linear(module: string, out: number, inputs: number): Entry[] {
  return [
    [`${module}.weight`, [out, inputs]],
    [`${module}.bias`, [out]],
  ]
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
