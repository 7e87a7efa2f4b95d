/** Text as it comes, for a person. */
import { checkNames } from '@evolmm/internal'
import { setImmediate } from 'node:timers/promises'
import type { Backbone } from './backbones/backbone'
import type { Feed } from './backbones/feed'
import { checkFinite, checkPrompt } from './check-inputs'
import { checkLengths } from './check-lengths'
import { imageWork, policyFeatures } from './encode-image'
import { trainableKey, type Model } from './model'
import { crossFeeds } from './programs/cross-feeds'
import { packGroups } from './programs/pack-groups'
import { longPrompt, readsInChunks } from './programs/prompt-chunks'
import { streamProgram } from './programs/stream-program'
import { createStreamDecoder } from './prompt/stream-decoder'
import type { Feeds, Program } from './runtime/session'
import { uniforms } from './runtime/uniforms'
import { integers, samplingSettings } from './sample'
import type { Prompt, StreamOptions } from './types'

/** Pieces of the text that `sample` gives as sample 0 for the same seed. */
export async function* stream(model: Model, options: StreamOptions): AsyncGenerator<string, void, undefined> {
  checkNames('stream', options, {
    adapter: true,
    temperature: true,
    topP: true,
    topK: true,
    maxNewTokens: true,
    stopTokens: true,
    prompt: true,
    seed: true,
    signal: true,
  })
  const { backbone, tokenizer } = model
  const { prompt, adapter, seed = 0, signal } = options
  checkPrompt(backbone, prompt, 'prompt')
  const { maxNewTokens, feeds } = samplingSettings(model, options)
  checkLengths(model, [prompt], maxNewTokens)
  model.checkMemory({
    ...imageWork(model, [prompt], adapter?.trainable.vision === true),
    programs: ['encode', 'sample'],
    trainable: adapter?.parameters.length ?? 0,
    promptTokens: prompt.ids.length,
    completionTokens: maxNewTokens,
  })
  const draws = uniforms(seed, 1, maxNewTokens)
  const { reading, stepping } = await openPrograms(model, adapter, prompt)
  const decoder = createStreamDecoder(tokenizer, { skipSpecial: true })

  let caches = cachesOf(backbone, () => floats([1, 0, backbone.sizes.keyValueSize]))
  const features = await policyFeatures(model, [prompt], adapter)
  const { first, later } = promptInputs(backbone, prompt, features)
  let input: Feeds = first
  for (let i = 0; i < maxNewTokens; i++) {
    // A run blocks the event loop; here the signal gets its turn.
    await setImmediate()
    signal?.throwIfAborted()
    const results = await (i === 0 ? reading : stepping).run({
      ...feeds,
      ...input,
      ...caches,
      uniform: { dtype: 'float64', dims: [1], data: draws.subarray(i, i + 1) },
      ...(adapter && { parameters: floats([adapter.parameters.length], adapter.parameters) }),
    })
    checkFinite(results.plain.data as Float32Array)
    const token = Number((results.token.data as BigInt64Array)[0])
    const piece = decoder.push(token)
    if (piece !== '') yield piece
    if ((results.stopped.data as Uint8Array)[0] === 1) break
    caches = cachesOf(backbone, (name) => {
      const { dims, data } = results[`new_${name}`]
      return floats(dims, data as Float32Array)
    })
    const place = prompt.ids.length + prompt.delta + i
    input = {
      ...later,
      ids: integers([token]),
      positions: integers(Array<number>(backbone.axes).fill(place), [backbone.axes, 1]),
    }
  }
  const rest = decoder.end()
  if (rest !== '') yield rest
}

/**
 * The programs that read the prompt and go on: one for both, unless the prompt is long. A program of its own reads it with
 * memory that does not grow with its square.
 */
async function openPrograms(
  { backbone, files, program }: Model,
  adapter: StreamOptions['adapter'],
  { ids }: Prompt,
): Promise<{ reading: Program; stepping: Program }> {
  const trainable = adapter?.trainable
  const key = trainableKey(trainable)
  const stepping = await program(`stream ${key}`, () => streamProgram({ backbone, files, trainable }))
  if (ids.length <= longPrompt || !readsInChunks(files.loops, ids.length))
    return { reading: stepping, stepping }
  const build = () => streamProgram({ backbone, files, trainable, reading: true })
  return { reading: await program(`read ${key}`, build, { prepack: false }), stepping }
}

/** The keys and values of each layer. */
function cachesOf({ sizes }: Backbone, of: (name: string) => Feed): Feeds {
  const names = Array.from({ length: sizes.layers }, (_, layer) => [`keys_${layer}`, `values_${layer}`])
  return Object.fromEntries(names.flat().map((name) => [name, of(name)]))
}

/** What the first step reads, the whole prompt, and what each later one does besides its token. */
function promptInputs(
  backbone: Backbone,
  prompt: Prompt,
  features: Feed | undefined,
): { first: Feeds; later: Feeds } {
  const group = { prompt, completions: [] }
  const { feeds, ...widths } = packGroups([group])
  const { ids, image_runs: runs, ...rest } = feeds
  const row = (matrix: Feed): Feed => ({ ...matrix, dims: [prompt.ids.length] })
  const cross = crossFeeds(backbone, [group], widths)
  const first = { ...rest, ...cross, ids: row(ids), image_runs: row(runs), features }
  const mask = cross.cross_mask as Feed | undefined
  if (mask === undefined)
    return {
      first,
      later: {
        image_runs: integers([0]),
        features: floats([0, backbone.vision?.featureSize ?? 0]),
        feature_rows: integers([]),
      },
    }
  // Later tokens attend to the same features, of which they see what the last one of the prompt sees.
  const seen = (mask.data as Float32Array).slice((prompt.ids.length - 1) * mask.dims[2])
  return {
    first,
    later: { ...first, image_runs: integers([0]), cross_mask: floats([1, 1, mask.dims[2]], seen) },
  }
}

function floats(dims: readonly number[], data: Float32Array = new Float32Array(0)): Feed {
  return { dtype: 'float32', dims, data }
}
