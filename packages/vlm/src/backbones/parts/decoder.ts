/** The pre-norm decoder of most families: rotary positions, grouped-query attention, gated MLP, RMS norms. */
import { gatedSilu, op, rmsNorm, rotary, type Tensor } from '@evolmm/onnx'
import type { DecoderInputs } from '../backbone'
import type { ImageRows, Layers } from '../layers'
import type { LanguageShape } from '../shapes'
import type { Angles } from './rotary-angles'
import { linearWeights, type WeightShape } from './weight-shapes'

export interface DecoderConfig extends LanguageShape {
  vocabularySize: number
  rmsNormEps: number
}

export interface DecoderOptions {
  config: DecoderConfig
  /** What the names of its weights begin with: `model.language_model`, say. */
  prefix: string
  /** The angles of each row, for all layers. */
  angles: Angles
}

/** The linear modules of a block, by the ends of their names. */
export const decoderProjections = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const

/** Embeddings, blocks and the last norm, in the order of the model. `biases`: whether q, k and v have some. */
export function decoderWeights(config: DecoderConfig, prefix: string, biases: boolean): WeightShape[] {
  const { hiddenSize, intermediateSize, heads, keyValueHeads, headSize } = config
  const [queries, keys] = [heads * headSize, keyValueHeads * headSize]
  const block = (layer: string): WeightShape[] => [
    [`${layer}.input_layernorm.weight`, [hiddenSize]],
    ...linearWeights(`${layer}.self_attn.q_proj`, [queries, hiddenSize], biases),
    ...linearWeights(`${layer}.self_attn.k_proj`, [keys, hiddenSize], biases),
    ...linearWeights(`${layer}.self_attn.v_proj`, [keys, hiddenSize], biases),
    ...linearWeights(`${layer}.self_attn.o_proj`, [hiddenSize, queries], false),
    [`${layer}.post_attention_layernorm.weight`, [hiddenSize]],
    ...linearWeights(`${layer}.mlp.gate_proj`, [intermediateSize, hiddenSize], false),
    ...linearWeights(`${layer}.mlp.up_proj`, [intermediateSize, hiddenSize], false),
    ...linearWeights(`${layer}.mlp.down_proj`, [hiddenSize, intermediateSize], false),
  ]
  return [
    [`${prefix}.embed_tokens.weight`, [config.vocabularySize, hiddenSize]],
    ...Array.from({ length: config.layers }, (_, i) => block(`${prefix}.layers.${i}`)).flat(),
    [`${prefix}.norm.weight`, [hiddenSize]],
  ]
}

/** Hidden states before the last norm, [kept, D]. */
export function decoder(layers: Layers, options: DecoderOptions, inputs: DecoderInputs): Tensor {
  const { config } = options
  let hidden = inputs.embedded
  for (let layer = 0; layer < config.layers; layer++) {
    const keep = layer === config.layers - 1 ? inputs.keep : undefined
    hidden = layers.block((x) => decoderBlock(layers, options, { ...inputs, x, layer, keep }), hidden)
  }
  return hidden
}

interface BlockInputs extends Pick<DecoderInputs, 'attend' | 'keep'> {
  x: Tensor
  layer: number
}

function decoderBlock(
  { linear, weight }: Layers,
  { config, prefix, angles }: DecoderOptions,
  { x, layer, attend, keep }: BlockInputs,
): Tensor {
  const name = `${prefix}.layers.${layer}`
  const norm = (input: Tensor, which: string) =>
    rmsNorm({ x: input, weight: weight(`${name}.${which}.weight`), epsilon: config.rmsNormEps })
  const { heads, keyValueHeads, headSize } = config

  const input = norm(x, 'input_layernorm')
  const [q, k, v] = ['q', 'k', 'v'].map((part) => linear(input, `${name}.self_attn.${part}_proj`))
  const mixed = attend(layer, {
    q: rotary({ x: q, ...angles, heads }),
    k: rotary({ x: k, ...angles, heads: keyValueHeads }),
    v,
    heads,
    keyValueHeads,
    headSize,
  })
  const select = (rows: Tensor) => (keep === undefined ? rows : op.Gather(rows, keep))
  const attended = op.Add(select(x), linear(select(mixed), `${name}.self_attn.o_proj`))

  const normalized = norm(attended, 'post_attention_layernorm')
  const gate = linear(normalized, `${name}.mlp.gate_proj`)
  const gated = gatedSilu({ gate, up: linear(normalized, `${name}.mlp.up_proj`) })
  return op.Add(attended, linear(gated, `${name}.mlp.down_proj`))
}

/** Rows with image features in place of some, [rows, D]. */
export function withFeatures(embedded: Tensor, images: ImageRows | undefined): Tensor {
  return images === undefined
    ? embedded
    : op.ScatterND(embedded, op.Unsqueeze(images.rows, [1]), images.features)
}
