/**
 * Attention of a decoding step: G prompts with N samples each. Keys and values of a prompt are shared by its samples,
 * never copied; each sample has those of its own tokens besides.
 */
import { op, type Tensor } from '@evolmm/onnx'
import type { Attend, Heads } from '../backbones/layers'

/** Of one layer. */
export interface PromptCache {
  /** [G, keyValueHeads, d, T] */
  keys: Tensor
  /** [G, keyValueHeads, T, d] */
  values: Tensor
}

/** Of one layer. */
export interface OwnCache {
  /** [G N, keyValueHeads, t, d] */
  keys: Tensor
  values: Tensor
}

export interface CachedAttentionOptions {
  prompts: readonly PromptCache[]
  /** Added to the scores of a prompt, [G, 1, 1, T]. */
  promptMask: Tensor
  own: readonly OwnCache[]
}

/** An `attend` for one token of each sample, and the caches with that token. */
export function cachedAttention({ prompts, promptMask, own }: CachedAttentionOptions): {
  attend: Attend
  grown: OwnCache[]
} {
  const grown: OwnCache[] = []
  const attend: Attend = (layer, { q, k, v, heads, keyValueHeads: groups, headSize: d }) => {
    const { graph } = q.scope
    const repeats = heads / groups
    const scaled = op.Mul(q, 1 / Math.sqrt(d))
    const newest = (x: Tensor) => op.Reshape(x, [-1, groups, 1, d])
    const keys = op.Concat([own[layer].keys, newest(k)], { axis: 2 })
    const values = op.Concat([own[layer].values, newest(v)], { axis: 2 })
    grown.push({ keys, values })

    const prompt = prompts[layer]
    const count = op.Shape(prompt.keys, { start: 0, end: 1 })
    const dims = (...lengths: number[]) =>
      op.Concat([count, graph.constant('int64', [lengths.length], lengths)], { axis: 0 })
    /** [G N, groups, repeats, x] to [G, groups, N repeats, x]. */
    const bySample = (x: Tensor, width: number) =>
      op.Reshape(op.Transpose(op.Reshape(x, dims(-1, groups, repeats, width)), { perm: [0, 2, 1, 3, 4] }), [
        0,
        groups,
        -1,
        width,
      ])
    const queries = op.Reshape(scaled, [-1, groups, repeats, d])
    const promptScores = op.Add(op.MatMul(bySample(queries, d), prompt.keys), promptMask)
    const length = op.Shape(prompt.keys, { start: 3 })
    const ints = (...lengths: number[]) => graph.constant('int64', [lengths.length], lengths)
    /** [G, groups, N repeats, T] to [G N, groups, repeats, T]. */
    const apart = (x: Tensor, width: Tensor) =>
      op.Reshape(
        op.Transpose(op.Reshape(x, op.Concat([count, ints(groups, -1, repeats), width], { axis: 0 })), {
          perm: [0, 2, 1, 3, 4],
        }),
        op.Concat([ints(-1, groups, repeats), width], { axis: 0 }),
      )
    const ownScores = op.MatMul(queries, op.Transpose(keys, { perm: [0, 1, 3, 2] }))
    const weights = op.Softmax(op.Concat([apart(promptScores, length), ownScores], { axis: 3 }))

    const onPrompt = op.Slice(weights, ints(0), length, [3])
    const onOwn = op.Slice(weights, length, ints(2 ** 31 - 1), [3])
    const shared = op.Transpose(
      op.Reshape(onPrompt, op.Concat([count, ints(-1, groups, repeats), length], { axis: 0 })),
      { perm: [0, 2, 1, 3, 4] },
    )
    const merged = op.Reshape(shared, op.Concat([count, ints(groups, -1), length], { axis: 0 }))
    const fromPrompt = apart(op.MatMul(merged, prompt.values), ints(d))
    const mixed = op.Add(fromPrompt, op.MatMul(onOwn, values))
    return op.Reshape(mixed, [-1, heads * d])
  }
  return { attend, grown }
}

/** Keys and values of the prompts as the steps read them, from rows [G T, groups d]. */
export function promptCache({ k, v, keyValueHeads, headSize }: Heads, segments: Tensor): PromptCache {
  const { graph } = k.scope
  const shape = op.Concat([op.Shape(segments), graph.constant('int64', [2], [keyValueHeads, headSize])], {
    axis: 0,
  })
  return {
    keys: op.Transpose(op.Reshape(k, shape), { perm: [0, 2, 3, 1] }),
    values: op.Transpose(op.Reshape(v, shape), { perm: [0, 2, 1, 3] }),
  }
}
