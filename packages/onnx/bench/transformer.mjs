/**
 * A decoder-only transformer in graph operations: RMSNorm, rotary positions, grouped-query attention with an additive
 * mask, gated MLP, LoRA on all seven projections. Shared by the benchmarks and by the comparison with PyTorch.
 */
import { checkpoint, op } from '@evolmm/onnx'

/**
 * Hidden states [T, D] after all blocks.
 *
 * `weight(name, [out, in])` gives a frozen matrix, `vector(name, [D])` a frozen vector, and `adapter(name, in, out)`
 * the LoRA pair { a: [r, in], b: [out, r] }, or undefined. `cos` and `sin` are [1, T, d] and `mask` is [1, T, T].
 */
export function transformer({ x, cos, sin, mask, config, weight, vector, adapter, checkpointed = false }) {
  const { blocks, width, heads, kvHeads, feedForward, alpha = 32, epsilon = 1e-6 } = config
  const size = width / heads

  const linear = (input, name, outFeatures, inFeatures) => {
    const frozen = op.Gemm(input, weight(name, [outFeatures, inFeatures]), undefined, { transB: 1 })
    const pair = adapter(name, inFeatures, outFeatures)
    if (pair === undefined) return frozen
    const rank = pair.a.shape[0]
    const low = op.Gemm(input, pair.a, undefined, { transB: 1 })
    return op.Gemm(low, pair.b, frozen, { transB: 1, alpha: alpha / rank })
  }
  const norm = (input, name) => {
    const square = op.ReduceMean(op.Mul(input, input), [-1])
    return op.Mul(op.Div(input, op.Sqrt(op.Add(square, epsilon))), vector(name, [width]))
  }
  /** [T, n d] to [n, T, d]. */
  const split = (input, n) => op.Transpose(op.Reshape(input, [0, n, size]), { perm: [1, 0, 2] })
  const rotate = (input) => {
    const [low, high] = [op.Slice(input, [0], [size / 2], [2]), op.Slice(input, [size / 2], [size], [2])]
    return op.Add(op.Mul(input, cos), op.Mul(op.Concat([op.Neg(high), low], { axis: 2 }), sin))
  }
  const attention = (input, block) => {
    const group = heads / kvHeads
    // [kv, group T, d]: the heads of a group share keys and values, so they are rows of one product.
    const q = op.Reshape(rotate(split(linear(input, `${block}.q_proj`, width, width), heads)), [
      kvHeads,
      -1,
      size,
    ])
    const k = rotate(split(linear(input, `${block}.k_proj`, kvHeads * size, width), kvHeads))
    const v = split(linear(input, `${block}.v_proj`, kvHeads * size, width), kvHeads)
    const scores = op.Mul(op.MatMul(q, op.Transpose(k, { perm: [0, 2, 1] })), 1 / Math.sqrt(size))
    const tokens = input.shape[0]
    const masked = op.Add(op.Reshape(scores, [kvHeads * group, -1, tokens]), mask)
    const weights = op.Reshape(op.Softmax(masked), [kvHeads, -1, tokens])
    const mixed = op.Reshape(op.MatMul(weights, v), [heads, -1, size])
    return linear(
      op.Reshape(op.Transpose(mixed, { perm: [1, 0, 2] }), [-1, width]),
      `${block}.o_proj`,
      width,
      width,
    )
  }
  const mlp = (input, block) => {
    const gate = linear(input, `${block}.gate_proj`, feedForward, width)
    const up = linear(input, `${block}.up_proj`, feedForward, width)
    return linear(op.Mul(op.Mul(gate, op.Sigmoid(gate)), up), `${block}.down_proj`, width, feedForward)
  }
  const block = (name) => (input) => {
    const attended = op.Add(input, attention(norm(input, `${name}.input_layernorm`), name))
    return [op.Add(attended, mlp(norm(attended, `${name}.post_attention_layernorm`), name))]
  }

  let hidden = x
  for (let i = 0; i < blocks; i++) {
    ;[hidden] = checkpointed ? checkpoint(block(`layers.${i}`), [hidden]) : block(`layers.${i}`)(hidden)
  }
  return norm(hidden, 'norm')
}
