/**
 * Attention to image features: each prompt and its completions see the features of its own images. Keys and values are made
 * of the features once for each prompt; a decoding step is handed those that the prompts were read with.
 */
import { attention, op, type Graph, type Shape, type Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import type { CrossAttention, CrossHeads } from '../backbones/layers'

export interface CrossInputs {
  /** The rows of the features of each group, int64 [G, F], F > 0; beyond its last one a row of zeros after them all. */
  rows: Tensor
  /** Added to the scores, [G, T, F]: very negative where a token does not see a feature. */
  mask: Tensor
  /** 1 for groups that have images, else 0, [G]. */
  there: Tensor
}

/** Declares `cross_rows`, `cross_mask` and `cross_there` for models that attend to features, with tokens of shape [G, T]. */
export function crossInputs(
  graph: Graph,
  { vision }: Backbone,
  tokens: Shape = ['G', 'T'],
): CrossInputs | undefined {
  if (vision?.sees === undefined) return undefined
  return {
    rows: graph.input('cross_rows', 'int64', ['G', 'features']),
    mask: graph.input('cross_mask', 'float32', [...tokens, 'features']),
    there: graph.input('cross_there', 'float32', ['G']),
  }
}

/** Keys and values of the features of each group, [G, F, keyValueHeads headSize] each, by layer. */
export type CrossCache = Map<number, readonly [k: Tensor, v: Tensor]>

/** The attention of packed rows [G T, D]. What it makes of the features is kept in `cache`. */
export function packedCross(
  { rows, mask, there }: CrossInputs,
  features: Tensor,
  { segments, cache = new Map() }: { segments: Tensor; cache?: CrossCache },
): CrossAttention {
  const padded = op.Pad(features, [0, 0, 1, 0])
  return crossAttention({
    shape: op.Shape(segments),
    mask: op.Unsqueeze(mask, [1]),
    there,
    keysValues: (layer, make) => {
      const [k, v] = make(padded).map((each) => op.Gather(each, rows))
      cache.set(layer, [k, v])
      return [k, v]
    },
  })
}

export interface StepCrossOptions {
  cache: CrossCache
  /** The row of each prompt's last token in the packed ones, int64 [G]: later tokens see what it sees. */
  lastRows: Tensor
  /** Samples of each prompt, int64 [1]. */
  samples: Tensor
}

/** The attention of one token of each sample, [G N, D]. */
export function stepCross(
  { mask, there }: CrossInputs,
  { cache, lastRows, samples }: StepCrossOptions,
): CrossAttention {
  const features = op.Shape(mask, { start: 2 })
  const { graph } = mask.scope
  const flat = op.Reshape(mask, op.Concat([graph.constant('int64', [1], [-1]), features], { axis: 0 }))
  return crossAttention({
    shape: op.Concat([op.Shape(lastRows), samples], { axis: 0 }),
    mask: op.Unsqueeze(op.Gather(flat, lastRows), [1, 2]),
    there,
    keysValues: (layer) => {
      const kept = cache.get(layer)
      if (kept === undefined) throw new Error(`internal: layer ${layer} read no features with the prompts`)
      return kept
    },
  })
}

interface CrossAttentionOptions {
  /** Groups, and rows of each, int64 [2]. */
  shape: Tensor
  /** The mask, which is broadcast to [G, heads, rows, F]. */
  mask: Tensor
  there: Tensor
  keysValues: (layer: number, make: CrossHeads['keysValues']) => readonly [k: Tensor, v: Tensor]
}

function crossAttention({ shape, mask, there, keysValues }: CrossAttentionOptions): CrossAttention {
  const { graph } = shape.scope
  const rest = graph.constant('int64', [1], [-1])
  const perRow = op.Reshape(op.Expand(op.Unsqueeze(there, [1]), shape), [-1, 1])
  return {
    there: perRow,
    attend: (layer, { q, keysValues: make, ...sizes }) => {
      const [k, v] = keysValues(layer, make)
      const batch = op.Reshape(q, op.Concat([shape, rest], { axis: 0 }))
      const mixed = op.Reshape(attention({ q: batch, k, v, mask, ...sizes }), [
        -1,
        sizes.heads * sizes.headSize,
      ])
      // A group without images has mixed rows of zeros, which need not be zero as values.
      return op.Mul(mixed, perRow)
    },
  }
}
