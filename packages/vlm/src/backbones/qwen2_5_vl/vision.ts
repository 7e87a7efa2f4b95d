/**
 * The vision tower of Qwen2.5-VL: patches of one or more images in the processor's order, attention within windows of
 * the image in most blocks and over the whole image in some, and a merger that makes one token of 2x2 patches.
 *
 * The published code sorts patches by window and back. Here the rows stay where they are: each kind of attention gathers
 * its rows into padded batches and gathers the results back, so nothing depends on an order.
 */
import { attention, gatedSilu, op, rmsNorm, rotary, type Tensor } from '@evolmm/onnx'
import type { Layers } from '../layers'
import type { QwenConfig } from './config'

const model = 'model.visual'
const epsilon = 1e-6

/** Which rows attend to each other, as batches of equal length. */
export interface Neighbours {
  /** Row of each place, int64 [batches, length]; places beyond the last row of a batch repeat any row. */
  rows: Tensor
  /** Added to the scores, [batches, 1, 1, length]: very negative at places that repeat. */
  mask: Tensor
  /** Place of each row in the flattened batches, int64 [patches]. */
  places: Tensor
}

export interface VisionInputs {
  /** [patches, channels temporalPatchSize patchSize²] */
  pixels: Tensor
  /** Cosines and sines of each patch's place, [patches, headSize / 2]. */
  cos: Tensor
  sin: Tensor
  windows: Neighbours
  images: Neighbours
}

/** Image tokens, [patches / spatialMergeSize², outHiddenSize], in the processor's order. */
export function vision(layers: Layers, config: QwenConfig, inputs: VisionInputs): Tensor {
  const { vision: sizes } = config
  const { weight, linear } = layers
  const flat = sizes.channels * sizes.temporalPatchSize * sizes.patchSize ** 2
  const filters = op.Reshape(weight(`${model}.patch_embed.proj.weight`), [sizes.hiddenSize, flat])
  let hidden = op.Gemm(inputs.pixels, filters, undefined, { transB: 1 })
  for (let block = 0; block < sizes.depth; block++) {
    const whole = sizes.fullAttentionBlocks.includes(block)
    const run = (x: Tensor) =>
      visionBlock(layers, config, {
        x,
        name: `${model}.blocks.${block}`,
        inputs,
        near: whole ? inputs.images : inputs.windows,
      })
    hidden = layers.block(run, hidden)
  }
  const merged = sizes.hiddenSize * sizes.spatialMergeSize ** 2
  const normalized = rmsNorm({ x: hidden, weight: weight(`${model}.merger.ln_q.weight`), epsilon })
  const wide = linear(op.Reshape(normalized, [-1, merged]), `${model}.merger.mlp.0`)
  return linear(gelu(wide), `${model}.merger.mlp.2`)
}

/**
 * As one operator it came with a later operator set than programs use. In this order the runtime never makes it one, and
 * so the numbers are the same with a backward pass and without.
 */
function gelu(x: Tensor): Tensor {
  return op.Mul(x, op.Add(op.Mul(op.Erf(op.Mul(x, Math.SQRT1_2)), 0.5), 0.5))
}

interface BlockInputs {
  x: Tensor
  name: string
  inputs: VisionInputs
  near: Neighbours
}

function visionBlock(
  layers: Layers,
  { vision: sizes }: QwenConfig,
  { x, name, inputs, near }: BlockInputs,
): Tensor {
  const { weight, linear } = layers
  const { hiddenSize, heads } = sizes
  const norm = (input: Tensor, which: string) =>
    rmsNorm({ x: input, weight: weight(`${name}.${which}.weight`), epsilon })

  const qkv = linear(norm(x, 'norm1'), `${name}.attn.qkv`)
  const [q, k, v] = [0, 1, 2].map((part) =>
    op.Slice(qkv, [part * hiddenSize], [(part + 1) * hiddenSize], [1]),
  )
  const turn = (part: Tensor) => rotary({ x: part, cos: inputs.cos, sin: inputs.sin, heads })
  const [batchQ, batchK, batchV] = [turn(q), turn(k), v].map((part) => op.Gather(part, near.rows))
  const mixed = attention({
    q: batchQ,
    k: batchK,
    v: batchV,
    mask: near.mask,
    heads,
    headSize: hiddenSize / heads,
  })
  const back = op.Gather(op.Reshape(mixed, [-1, hiddenSize]), near.places)
  const attended = op.Add(x, linear(back, `${name}.attn.proj`))

  const normalized = norm(attended, 'norm2')
  const gate = linear(normalized, `${name}.mlp.gate_proj`)
  const gated = gatedSilu({ gate, up: linear(normalized, `${name}.mlp.up_proj`) })
  return op.Add(attended, linear(gated, `${name}.mlp.down_proj`))
}
