/** What a learning program reads of groups, and how much work they are. */
import type { Adapter } from './adapter/adapter'
import type { Feed } from './backbones/feed'
import { checkLengths } from './check-lengths'
import { baseFeatures, imageWork } from './encode-image'
import type { MergedGroup } from './merge-completions'
import type { Model } from './model'
import { crossFeeds } from './programs/cross-feeds'
import { packGroups } from './programs/pack-groups'
import { hasValueHead } from './programs/trainable'
import type { MemoryOptions } from './runtime/memory-estimate'
import type { Feeds } from './runtime/session'

/** Sizes for the memory estimate. */
export function learningWork(
  model: Model,
  groups: readonly MergedGroup[],
  pixels: boolean,
): Omit<MemoryOptions, 'backbone'> {
  return {
    ...imageWork(
      model,
      groups.map(({ prompt }) => prompt),
      pixels,
    ),
    groups: groups.length,
    promptTokens: Math.max(...groups.map(({ prompt }) => prompt.ids.length)),
    completionTokens: Math.max(
      ...groups.flatMap(({ completions }) => completions.map(({ ids }) => ids.length)),
    ),
    samples: Math.max(...groups.map(({ completions }) => completions.length)),
  }
}

/** True if the vision tower is part of the pass. */
export function needsPixels(adapter: Adapter | undefined, groups: readonly MergedGroup[]): boolean {
  return adapter?.trainable.vision === true && groups.some(({ prompt }) => prompt.images.length > 0)
}

export async function learnFeeds(
  model: Model,
  groups: readonly MergedGroup[],
  { adapter, kl }: { adapter: Adapter | undefined; kl: boolean },
): Promise<Feeds> {
  const prompts = groups.map(({ prompt }) => prompt)
  const pixels = needsPixels(adapter, groups)
  for (const { prompt, completions } of groups)
    checkLengths(model, [prompt], Math.max(...completions.map(({ ids }) => ids.length)))
  const valued = adapter !== undefined && hasValueHead(adapter.trainable)
  const { feeds, ...widths } = packGroups(groups, { rowOf: valued ? 'token' : 'prediction' })
  return {
    ...feeds,
    ...crossFeeds(model.backbone, groups, widths),
    // Those of the policy are made of the pixels.
    features: !pixels || kl ? await baseFeatures(model, prompts) : undefined,
    parameters: adapter && {
      dtype: 'float32',
      dims: [adapter.parameters.length],
      data: adapter.parameters,
    },
    ...(pixels && model.backbone.vision?.feeds(prompts.map(({ images }) => images))),
  }
}

/** One number for all scored tokens of a completion, in the order in which they are packed. */
export function perToken<G extends MergedGroup>(
  groups: readonly G[],
  value: (group: G, completion: number, tokens: number) => number,
): Feed {
  const data = Float32Array.from(
    groups.flatMap((group) =>
      group.completions.flatMap(({ scored }, c) => new Array<number>(scored).fill(value(group, c, scored))),
    ),
  )
  return { dtype: 'float32', dims: [data.length], data }
}

/** What a value head is to say of each scored token, in the order in which they are packed. */
export function targetsFeed(groups: readonly { targets: readonly ArrayLike<number>[] }[]): Feed {
  const data = Float32Array.from(groups.flatMap(({ targets }) => targets.flatMap((each) => Array.from(each))))
  return { dtype: 'float32', dims: [data.length], data }
}

/** The values are of no use, and zeros where they were not given, unless the objective reads them. */
export function sampledFeed(groups: readonly MergedGroup[]): Feed {
  const data = Float32Array.from(
    groups.flatMap(({ completions }) =>
      completions.flatMap(({ scored, logProbabilities }) => [
        ...(logProbabilities ?? new Float32Array(scored)),
      ]),
    ),
  )
  return { dtype: 'float32', dims: [data.length], data }
}
