/**
 * A decoder-only transformer with LoRA and the policy loss, in graph operations: RMSNorm, rotary positions,
 * grouped-query attention under an additive mask, gated MLP, head tied to the embedding. Sizes are up to the caller.
 */
import { checkpoint, loraLinear, op, type Graph, type Tensor } from '@evolmm/onnx'

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
  const rotary = rotaryTables(positions, config)
  let hidden = op.Gather(frozen('embed_tokens'), ids)
  for (let i = 0; i < config.blocks; i++) {
    const block = (x: Tensor) => [decoderBlock(x, `layers.${i}`, model, rotary, mask)]
    ;[hidden] = model.checkpointed === true ? checkpoint(block, [hidden]) : block(hidden)
  }
  return norm(hidden, frozen('norm'), config.epsilon)
}

interface Rotary {
  cos: Tensor
  sin: Tensor
}

/** [T, d] each; the second half of the columns repeats the first. */
function rotaryTables(positions: Tensor, { width, heads, theta }: TransformerConfig): Rotary {
  const half = width / heads / 2
  const frequencies = Array.from({ length: half }, (_, i) => theta ** (-i / half))
  const { graph } = positions.scope
  const angles = op.Mul(
    op.Unsqueeze(op.Cast(positions, { to: 'float32' }), [1]),
    graph.constant('float32', [1, 2 * half], [...frequencies, ...frequencies]),
  )
  return { cos: op.Cos(angles), sin: op.Sin(angles) }
}

function norm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  const square = op.ReduceMean(op.Mul(x, x), [-1])
  return op.Mul(op.Div(x, op.Sqrt(op.Add(square, epsilon))), weight)
}

function decoderBlock(x: Tensor, name: string, model: Model, rotary: Rotary, mask: Tensor): Tensor {
  const { config, frozen, adapter } = model
  const linear = (input: Tensor, projection: string): Tensor => {
    const full = `${name}.${projection}`
    if (adapter === undefined) return op.Gemm(input, frozen(full), undefined, { transB: 1 })
    const [a, b] = [adapter(`${full}.lora_A`), adapter(`${full}.lora_B`)]
    return loraLinear({ x: input, weight: frozen(full), a, b, alpha: config.alpha })
  }
  const attended = op.Add(
    x,
    attention(norm(x, frozen(`${name}.input_layernorm`), config.epsilon), linear, config, rotary, mask),
  )
  const input = norm(attended, frozen(`${name}.post_attention_layernorm`), config.epsilon)
  const gate = linear(input, 'mlp.gate_proj')
  const gated = op.Mul(op.Mul(gate, op.Sigmoid(gate)), linear(input, 'mlp.up_proj'))
  return op.Add(attended, linear(gated, 'mlp.down_proj'))
}

function attention(
  x: Tensor,
  linear: (input: Tensor, projection: string) => Tensor,
  { width, heads, kvHeads }: TransformerConfig,
  { cos, sin }: Rotary,
  mask: Tensor,
): Tensor {
  const size = width / heads
  /** [T, n d] to [n, T, d]. */
  const split = (input: Tensor, n: number) =>
    op.Transpose(op.Reshape(input, [0, n, size]), { perm: [1, 0, 2] })
  const rotate = (input: Tensor) => {
    const [low, high] = [op.Slice(input, [0], [size / 2], [2]), op.Slice(input, [size / 2], [size], [2])]
    return op.Add(op.Mul(input, cos), op.Mul(op.Concat([op.Neg(high), low], { axis: 2 }), sin))
  }
  const q = rotate(split(linear(x, 'self_attn.q_proj'), heads))
  const k = rotate(split(linear(x, 'self_attn.k_proj'), kvHeads))
  const v = split(linear(x, 'self_attn.v_proj'), kvHeads)
  // The query heads of a group are rows of one product with the keys, and with the values, that they share.
  // The scale goes onto the queries: they are far fewer than the scores.
  const grouped = op.Reshape(op.Mul(q, 1 / Math.sqrt(size)), [kvHeads, -1, size])
  const scores = op.MatMul(grouped, op.Transpose(k, { perm: [0, 2, 1] }))
  const tokens = op.Shape(mask, { start: 0 })
  const { graph } = x.scope
  const apart = op.Reshape(scores, op.Concat([graph.constant('int64', [1], [heads]), tokens], { axis: 0 }))
  const weights = op.Reshape(op.Softmax(op.Add(apart, mask)), op.Shape(scores))
  const mixed = op.Reshape(op.MatMul(weights, v), [heads, -1, size])
  return linear(op.Reshape(op.Transpose(mixed, { perm: [1, 0, 2] }), [-1, width]), 'self_attn.o_proj')
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
