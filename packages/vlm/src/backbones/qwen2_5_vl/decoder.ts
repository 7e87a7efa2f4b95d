/** The language model of Qwen2.5-VL: rotary positions with three axes, grouped-query attention, gated MLP. */
import { gatedSilu, op, rmsNorm, rotary, type Tensor } from '@evolmm/onnx'
import type { Attend, Layers } from '../layers'
import type { QwenConfig } from './config'

const model = 'model.language_model'

export const embeddingWeight = `${model}.embed_tokens.weight`

export interface DecoderInputs {
  /** Embedded tokens and image features, [rows, D]. */
  embedded: Tensor
  /** Time, height and width of each row, int64 [3, rows]. */
  positions: Tensor
  attend: Attend
  /** The rows that are wanted, int64 [kept]: the last layer goes no further with the others. @default all */
  keep?: Tensor | undefined
}

/** Hidden states before the last norm, [kept, D]. */
export function decoder(layers: Layers, config: QwenConfig, inputs: DecoderInputs): Tensor {
  const { attend, keep } = inputs
  const angles = mropeAngles(inputs.positions, config)
  let hidden = inputs.embedded
  for (let layer = 0; layer < config.text.layers; layer++) {
    const kept = layer === config.text.layers - 1 ? keep : undefined
    const run = (x: Tensor) => decoderLayer(layers, config, { x, layer, angles, attend, kept })
    hidden = layers.block(run, hidden)
  }
  return hidden
}

/** What the head reads, [rows, D]. */
export function finalNorm(layers: Layers, { text }: QwenConfig, hidden: Tensor): Tensor {
  return rmsNorm({ x: hidden, weight: layers.weight(`${model}.norm.weight`), epsilon: text.rmsNormEps })
}

/** The matrix that turns hidden states into logits, [V, D]. */
export function headWeight({ tieWordEmbeddings }: QwenConfig): string {
  return tieWordEmbeddings ? embeddingWeight : 'lm_head.weight'
}

/** Token embeddings, [rows, D] for int64 ids [rows]. */
export function embed(layers: Layers, ids: Tensor): Tensor {
  return layers.rows(ids, embeddingWeight)
}

interface Angles {
  /** [rows, headSize / 2] each. */
  cos: Tensor
  sin: Tensor
}

/** Each frequency follows one of the three axes: the first `mropeSection[0]` time, the next height, the rest width. */
function mropeAngles(positions: Tensor, { text }: QwenConfig): Angles {
  const { graph } = positions.scope
  const half = text.headSize / 2
  const axes = text.mropeSection.flatMap((count, axis) => Array.from({ length: count }, () => axis))
  // As transformers computes them: the exponent and the power in float32.
  const frequencies = Array.from(
    { length: half },
    (_, i) => 1 / Math.fround(text.ropeTheta ** Math.fround((2 * i) / text.headSize)),
  )
  const placed = op.Gather(op.Cast(positions, { to: 'float32' }), graph.constant('int64', [half], axes))
  const angles = op.Mul(
    op.Transpose(placed, { perm: [1, 0] }),
    graph.constant('float32', [1, half], frequencies),
  )
  return { cos: op.Cos(angles), sin: op.Sin(angles) }
}

interface LayerInputs {
  x: Tensor
  layer: number
  angles: Angles
  attend: Attend
  kept: Tensor | undefined
}

function decoderLayer(
  layers: Layers,
  { text }: QwenConfig,
  { x, layer, angles, attend, kept }: LayerInputs,
): Tensor {
  const { linear, weight } = layers
  const name = `${model}.layers.${layer}`
  const norm = (input: Tensor, which: string) =>
    rmsNorm({ x: input, weight: weight(`${name}.${which}.weight`), epsilon: text.rmsNormEps })
  const { heads, keyValueHeads, headSize } = text

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
  const select = (rows: Tensor) => (kept === undefined ? rows : op.Gather(rows, kept))
  const attended = op.Add(select(x), linear(select(mixed), `${name}.self_attn.o_proj`))

  const normalized = norm(attended, 'post_attention_layernorm')
  const gate = linear(normalized, `${name}.mlp.gate_proj`)
  const gated = gatedSilu({ gate, up: linear(normalized, `${name}.mlp.up_proj`) })
  return op.Add(attended, linear(gated, `${name}.mlp.down_proj`))
}
