/** Text as it comes, for a person. */
import { setImmediate } from 'node:timers/promises'
import type { Feed } from './backbones/backbone'
import { checkFinite, checkPrompt } from './check-inputs'
import { imageWork, policyFeatures } from './encode-image'
import { trainableKey, type Model } from './model'
import { trainsVision } from './programs/learn-program'
import { streamProgram } from './programs/stream-program'
import { createStreamDecoder } from './prompt/stream-decoder'
import { uniforms } from './runtime/uniforms'
import { checkLengths } from './check-lengths'
import { integers, samplingSettings } from './sample'
import type { StreamOptions } from './types'

/** Pieces of the text that `sample` gives as sample 0 for the same seed. */
export async function* stream(model: Model, options: StreamOptions): AsyncGenerator<string, void, undefined> {
  const { backbone, tokenizer } = model
  const { prompt, adapter, seed = 0, signal } = options
  checkPrompt(backbone, prompt, 'prompt')
  const { maxNewTokens, feeds } = samplingSettings(model, options)
  checkLengths(model, [prompt], maxNewTokens)
  model.checkMemory({
    ...imageWork([prompt], adapter !== undefined && trainsVision(adapter.trainable)),
    programs: ['encode', 'sample'],
    trainable: adapter?.parameters.length ?? 0,
    promptTokens: prompt.ids.length,
    completionTokens: maxNewTokens,
  })
  const draws = uniforms(seed, 1, maxNewTokens)
  const program = await model.program(`stream ${trainableKey(adapter?.trainable)}`, () =>
    streamProgram({ backbone, files: model.files, trainable: adapter?.trainable }),
  )
  const decoder = createStreamDecoder(tokenizer, { skipSpecial: true })
  const { layers, keyValueSize, hiddenSize } = backbone.sizes
  const empty = (dims: readonly number[]): Feed => ({ dtype: 'float32', dims, data: new Float32Array(0) })
  const names = Array.from({ length: layers }, (_, layer) => [`keys_${layer}`, `values_${layer}`]).flat()

  let caches = Object.fromEntries(names.map((name) => [name, empty([1, 0, keyValueSize])]))
  let input: Record<string, Feed> = {
    ids: integers([...prompt.ids]),
    positions: { ...integers([...prompt.positions]), dims: [3, prompt.ids.length] },
    features: await policyFeatures(model, [prompt], adapter),
    feature_rows: integers(
      prompt.imageSpans.flatMap(({ start, length }) => Array.from({ length }, (_, i) => start + i)),
    ),
  }
  for (let i = 0; i < maxNewTokens; i++) {
    // A run blocks the event loop; here the signal gets its turn.
    await setImmediate()
    signal?.throwIfAborted()
    const results = await program.run({
      ...feeds,
      ...input,
      ...caches,
      uniform: { dtype: 'float64', dims: [1], data: draws.subarray(i, i + 1) },
      ...(adapter && {
        parameters: { dtype: 'float32', dims: [adapter.parameters.length], data: adapter.parameters },
      }),
    })
    checkFinite(results.plain.data as Float32Array)
    const token = Number((results.token.data as BigInt64Array)[0])
    const piece = decoder.push(token)
    if (piece !== '') yield piece
    if ((results.stopped.data as Uint8Array)[0] === 1) break
    caches = Object.fromEntries(
      names.map((name) => {
        const { dims, data } = results[`new_${name}`]
        return [name, { dtype: 'float32' as const, dims, data: data as Float32Array }]
      }),
    )
    const place = prompt.ids.length + prompt.delta + i
    input = {
      ids: integers([token]),
      positions: { ...integers([place, place, place]), dims: [3, 1] },
      features: empty([0, hiddenSize]),
      feature_rows: integers([]),
    }
  }
  const rest = decoder.end()
  if (rest !== '') yield rest
}
