/**
 * A decoder-only transformer with LoRA and the policy loss, in graph operations: RMSNorm, rotary positions,
 * grouped-query attention under an additive mask, gated MLP, head tied to the embedding. Sizes are up to the caller.
 */
import {
  attention,
  checkpoint,
  gatedSilu,
  loraLinear,
  op,
  rmsNorm,
  rotary,
  type Graph,
  type Tensor,
} from '@evolmm/onnx'

export interface TransformerConfig {
  blocks: number
  width: number
  heads: number
  kvHeads: number
  feedForward: number
  words: number
  rank: number
  alpha: number
  epsilon: number
  /** Base of the rotary frequencies. */
  theta: number
}

export interface Sequence {
  /** int64 [T] */
  ids: Tensor
  /** int64 [T] */
  positions: Tensor
  /** Added to the scores, [T, T]: 0 where the row's token sees the column's, very negative elsewhere. */
  mask: Tensor
}

export interface Model {
  config: TransformerConfig
  /** Frozen tensors by name. */
  frozen: (name: string) => Tensor
  /** Trained tensors by name; without it the model has no adapter. */
  adapter?: ((name: string) => Tensor) | undefined
  /** Compute each block anew in the backward pass. @default false */
  checkpointed?: boolean
}

/** Names and shapes of the seven projections of a block, [out, in]. */
function projections({ width, heads, kvHeads, feedForward }: TransformerConfig): [string, number[]][] {
  const kv = (width / heads) * kvHeads
  return [
    ['self_attn.q_proj', [width, width]],
    ['self_attn.k_proj', [kv, width]],
    ['self_attn.v_proj', [kv, width]],
    ['self_attn.o_proj', [width, width]],
    ['mlp.gate_proj', [feedForward, width]],
    ['mlp.up_proj', [feedForward, width]],
    ['mlp.down_proj', [width, feedForward]],
  ]
}

/** Names and shapes of all frozen tensors. */
export function frozenShapes(config: TransformerConfig): [string, number[]][] {
  const { blocks, width, words } = config
  const block = (i: number): [string, number[]][] => [
    [`layers.${i}.input_layernorm`, [width]],
    [`layers.${i}.post_attention_layernorm`, [width]],
    ...projections(config).map(([name, shape]): [string, number[]] => [`layers.${i}.${name}`, shape]),
  ]
  return [
    ['embed_tokens', [words, width]],
    ...Array.from({ length: blocks }, (_, i) => block(i)).flat(),
    ['norm', [width]],
  ]
}

/** Names and shapes of the adapter. */
export function adapterShapes(config: TransformerConfig): [string, number[]][] {
  return Array.from({ length: config.blocks }, (_, i) =>
    projections(config).flatMap(([name, [out, inner]]): [string, number[]][] => [
      [`layers.${i}.${name}.lora_A`, [config.rank, inner]],
      [`layers.${i}.${name}.lora_B`, [out, config.rank]],
    ]),
  ).flat()
}

/** Hidden states [T, D] after the last norm. */
export function transformer({ ids, positions, mask }: Sequence, model: Model): Tensor {
  const { config, frozen } = model
  const angles = rotaryTables(positions, config)
  let hidden = op.Gather(frozen('embed_tokens'), ids)
  for (let i = 0; i < config.blocks; i++) {
    const block = (x: Tensor) => [decoderBlock(x, `layers.${i}`, model, angles, mask)]
    ;[hidden] = model.checkpointed === true ? checkpoint(block, [hidden]) : block(hidden)
  }
  return rmsNorm({ x: hidden, weight: frozen('norm'), epsilon: config.epsilon })
}

interface Angles {
  cos: Tensor
  sin: Tensor
}

/** Cosines and sines, [T, d / 2] each. */
function rotaryTables(positions: Tensor, { width, heads, theta }: TransformerConfig): Angles {
  const half = width / heads / 2
  const frequencies = Array.from({ length: half }, (_, i) => theta ** (-i / half))
  const { graph } = positions.scope
  const angles = op.Mul(
    op.Unsqueeze(op.Cast(positions, { to: 'float32' }), [1]),
    graph.constant('float32', [1, half], frequencies),
  )
  return { cos: op.Cos(angles), sin: op.Sin(angles) }
}

function decoderBlock(x: Tensor, name: string, model: Model, angles: Angles, mask: Tensor): Tensor {
  const { config, frozen, adapter } = model
  const linear = (input: Tensor, projection: string): Tensor => {
    const full = `${name}.${projection}`
    if (adapter === undefined) return op.Gemm(input, frozen(full), undefined, { transB: 1 })
    const [a, b] = [adapter(`${full}.lora_A`), adapter(`${full}.lora_B`)]
    return loraLinear({ x: input, weight: frozen(full), a, b, alpha: config.alpha })
  }
  const norm = (input: Tensor, which: string) =>
    rmsNorm({ x: input, weight: frozen(`${name}.${which}`), epsilon: config.epsilon })

  const { heads, kvHeads, width } = config
  const input = norm(x, 'input_layernorm')
  const q = rotary({ x: linear(input, 'self_attn.q_proj'), heads, ...angles })
  const k = rotary({ x: linear(input, 'self_attn.k_proj'), heads: kvHeads, ...angles })
  const [batchQ, batchK, batchV] = [q, k, linear(input, 'self_attn.v_proj')].map((part) =>
    op.Unsqueeze(part, [0]),
  )
  const mixed = attention({
    q: batchQ,
    k: batchK,
    v: batchV,
    mask,
    heads,
    keyValueHeads: kvHeads,
    headSize: width / heads,
  })
  const attended = op.Add(x, linear(op.Squeeze(mixed, [0]), 'self_attn.o_proj'))
  const normalized = norm(attended, 'post_attention_layernorm')
  const gate = linear(normalized, 'mlp.gate_proj')
  const gated = gatedSilu({ gate, up: linear(normalized, 'mlp.up_proj') })
  return op.Add(attended, linear(gated, 'mlp.down_proj'))
}

/** Named constants with the contents that `data` gives, made when they are first asked for. */
export function initializers(
  graph: Graph,
  shapes: readonly [string, number[]][],
  data: (name: string, shape: number[]) => Float32Array,
): (name: string) => Tensor {
  const made = new Map<string, Tensor>()
  for (const [name, dims] of shapes) {
    const { buffer, byteOffset, byteLength } = data(name, dims)
    const bytes = new Uint8Array(buffer, byteOffset, byteLength)
    made.set(name, graph.initializer(name, { dtype: 'float32', dims, bytes }))
  }
  return (name) => found(made, name)
}

/** The tensor called `name`. */
export function found(tensors: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const tensor = tensors.get(name)
  if (tensor === undefined) throw new Error(`no tensor ${name}`)
  return tensor
}
