/**
 * Attention of a decoding step: G prompts with N samples each. Keys and values of a prompt are shared by its samples,
 * never copied; each sample has those of its own tokens besides.
 *
 * A step is many small nodes, whose number is its cost. So all is kept as [G, keyValueHeads, N, rows, d], in which samples
 * are rows of one product with the prompt's keys without being moved.
 */
import { op, type Tensor } from '@evolmm/onnx'
import type { Attend, Heads } from '../backbones/layers'

/** Keys and values of the prompts, of one layer. */
export interface PromptCache {
  /** [G, keyValueHeads, d, T] */
  keys: Tensor
  /** [G, keyValueHeads, T, d] */
  values: Tensor
}

/** Keys and values of the samples themselves, of one layer, [G, keyValueHeads, N, t, d] each. */
export interface OwnCache {
  keys: Tensor
  values: Tensor
}

export interface CachedAttentionOptions {
  prompts: readonly PromptCache[]
  /** Added to the scores of a prompt, [G, 1, 1, T]. */
  promptMask: Tensor
  /** Samples of each prompt, int64 [1]. */
  samples: Tensor
  /** Tokens of the prompts with padding, T, int64 [1]. */
  length: Tensor
  own: readonly OwnCache[]
}

/** An `attend` for one token of each sample, and the caches with that token. */
export function cachedAttention(options: CachedAttentionOptions): { attend: Attend; grown: OwnCache[] } {
  const { prompts, promptMask, samples, length, own } = options
  const grown: OwnCache[] = []
  const attend: Attend = (layer, { q, k, v, heads, keyValueHeads: groups, headSize: d }) => {
    const { graph } = q.scope
    const repeats = heads / groups
    const ints = (...values: number[]) => graph.constant('int64', [values.length], values)
    const after = (...sizes: number[]) => op.Concat([ints(-1), samples, ints(...sizes)], { axis: 0 })
    /** [G N, groups rows d] to [G, groups, N, rows, d]. */
    const spread = (x: Tensor, rows: number) =>
      op.Transpose(op.Reshape(x, after(groups, rows, d)), { perm: [0, 2, 1, 3, 4] })
    /** [G, groups, N, repeats, x] to [G, groups, N repeats, x]. */
    const joined = (x: Tensor, width: number) =>
      op.Reshape(x, width < 0 ? op.Concat([ints(0, 0, -1), length], { axis: 0 }) : ints(0, 0, -1, width))
    const keys = op.Concat([own[layer].keys, spread(k, 1)], { axis: 3 })
    const values = op.Concat([own[layer].values, spread(v, 1)], { axis: 3 })
    grown.push({ keys, values })

    const queries = spread(op.Mul(q, 1 / Math.sqrt(d)), repeats)
    const prompt = prompts[layer]
    const promptScores = op.Add(op.MatMul(joined(queries, d), prompt.keys), promptMask)
    const apart = op.Concat([ints(0, 0, -1, repeats), length], { axis: 0 })
    const ownScores = op.MatMul(queries, op.Transpose(keys, { perm: [0, 1, 2, 4, 3] }))
    const weights = op.Softmax(op.Concat([op.Reshape(promptScores, apart), ownScores], { axis: 4 }))

    const onPrompt = op.MatMul(joined(op.Slice(weights, ints(0), length, ints(4)), -1), prompt.values)
    const onOwn = op.MatMul(op.Slice(weights, length, ints(2 ** 31 - 1), ints(4)), values)
    const mixed = op.Add(op.Reshape(onPrompt, ints(0, 0, -1, repeats, d)), onOwn)
    return op.Reshape(op.Transpose(mixed, { perm: [0, 2, 1, 3, 4] }), ints(-1, heads * d))
  }
  return { attend, grown }
}

/** Keys and values of the prompts as the steps read them, from rows [G T, groups d]. */
export function promptCache({ k, v, keyValueHeads, headSize }: Heads, segments: Tensor): PromptCache {
  const { graph } = k.scope
  const sizes = graph.constant('int64', [2], [keyValueHeads, headSize])
  const shape = op.Concat([op.Shape(segments), sizes], { axis: 0 })
  return {
    keys: op.Transpose(op.Reshape(k, shape), { perm: [0, 2, 3, 1] }),
    values: op.Transpose(op.Reshape(v, shape), { perm: [0, 2, 1, 3] }),
  }
}
