/**
 * Attention of a decoding step: G prompts with N samples each. Keys and values of a prompt are shared by its samples,
 * never copied; each sample has those of its own tokens besides.
 *
 * A step is many small nodes, whose number is its cost. So all is kept as [G, keyValueHeads, N, rows, d], in which samples
 * are rows of one product with the prompt's keys without being moved.
 */
import { op, type Tensor } from '@evolmm/onnx'
import type { Attend, Heads, MaskKind } from '../backbones/layers'
import { integer } from './program-graph'

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
  /** The window of each layer, and the tokens of each prompt, int64 [G], if there are windows. */
  kinds: readonly MaskKind[]
  promptLengths?: Tensor | undefined
  own: readonly OwnCache[]
}

/** An `attend` for one token of each sample, and the caches with that token. */
export function cachedAttention(options: CachedAttentionOptions): { attend: Attend; grown: OwnCache[] } {
  const { prompts, samples, length, own } = options
  const grown: OwnCache[] = []
  const attend: Attend = (layer, { q, k, v, heads, keyValueHeads: groups, headSize: d, scale }) => {
    const { graph } = q.scope
    const repeats = heads / groups
    const ints = (...values: number[]) => graph.constant('int64', [values.length], values)
    const after = (...sizes: number[]) => op.Concat([ints(-1), samples, ints(...sizes)], { axis: 0 })
    /** The heads are taken apart: [G N, groups rows d] becomes [G, groups, N, rows, d]. */
    const spread = (x: Tensor, rows: number) =>
      op.Transpose(op.Reshape(x, after(groups, rows, d)), { perm: [0, 2, 1, 3, 4] })
    /** The heads that share keys are put in one axis: [G, groups, N, repeats, x] becomes [G, groups, N repeats, x]. */
    const joined = (x: Tensor, width: number) =>
      op.Reshape(x, width < 0 ? op.Concat([ints(0, 0, -1), length], { axis: 0 }) : ints(0, 0, -1, width))
    const keys = op.Concat([own[layer].keys, spread(k, 1)], { axis: 3 })
    const values = op.Concat([own[layer].values, spread(v, 1)], { axis: 3 })
    grown.push({ keys, values })

    const { promptMask, ownMask } = stepMasks(options, keys, options.kinds[layer].window)
    const queries = spread(op.Mul(q, scale ?? 1 / Math.sqrt(d)), repeats)
    const prompt = prompts[layer]
    const promptScores = op.Add(op.MatMul(joined(queries, d), prompt.keys), promptMask)
    const apart = op.Concat([ints(0, 0, -1, repeats), length], { axis: 0 })
    const plain = op.MatMul(queries, op.Transpose(keys, { perm: [0, 1, 2, 4, 3] }))
    const ownScores = ownMask === undefined ? plain : op.Add(plain, ownMask)
    const weights = op.Softmax(op.Concat([op.Reshape(promptScores, apart), ownScores], { axis: 4 }))

    const onPrompt = op.MatMul(joined(op.Slice(weights, ints(0), length, ints(4)), -1), prompt.values)
    const onOwn = op.MatMul(op.Slice(weights, length, ints(2 ** 31 - 1), ints(4)), values)
    const mixed = op.Add(op.Reshape(onPrompt, ints(0, 0, -1, repeats, d)), onOwn)
    return op.Reshape(op.Transpose(mixed, { perm: [0, 2, 1, 3, 4] }), ints(-1, heads * d))
  }
  return { attend, grown }
}

/**
 * Added to the scores of a prompt, [G, 1, 1, T], and to those of the samples' own tokens, [t]. The newest token has place
 * t - 1 after its prompt, and sees no further back than `window` tokens.
 */
function stepMasks(
  { promptMask, promptLengths, length }: CachedAttentionOptions,
  keys: Tensor,
  window: number | undefined,
): { promptMask: Tensor; ownMask?: Tensor } {
  if (window === undefined || promptLengths === undefined) return { promptMask }
  const { graph } = keys.scope
  const [none, hidden] = [0, -1e30].map((value) => graph.constant('float32', [], [value]))
  const float = (x: Tensor) => op.Cast(x, { to: 'float32' })
  const upTo = (end: Tensor) => float(op.Range(integer(graph, 0), op.Reshape(end, []), integer(graph, 1)))
  const own = op.Shape(keys, { start: 3, end: 4 })
  // The last place that is out of sight, counted from the first own token.
  const last = op.Sub(float(own), window + 1)
  const ownMask = op.Where(op.Greater(upTo(own), last), none, hidden)
  const seen = op.Greater(upTo(length), op.Unsqueeze(op.Add(float(promptLengths), last), [1]))
  return { promptMask: op.Add(promptMask, op.Unsqueeze(op.Where(seen, none, hidden), [1, 2])), ownMask }
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
