/** G prompts x N samples in one run. */
import { checkInteger, checkNames, checkNumber, samplingDefaults } from '@evolmm/internal'
import ndarray from 'ndarray'
import { EvolmmError } from './errors'
import type { Feed } from './backbones/feed'
import { checkAdapter, checkFinite, checkList, checkPrompt, isList } from './check-inputs'
import { imageWork, policyFeatures } from './encode-image'
import { trainableKey, type Model } from './model'
import { checkLengths } from './check-lengths'
import { crossFeeds } from './programs/cross-feeds'
import { packGroups } from './programs/pack-groups'
import { readsInChunks } from './programs/prompt-chunks'
import { sampleProgram } from './programs/sample-program'
import type { Feeds } from './runtime/session'
import { uniforms } from './runtime/uniforms'
import type { Completion, Prompt, Sampled, SampleOptions, SamplingOptions } from './types'

export async function sample(model: Model, options: SampleOptions): Promise<Sampled[]> {
  checkNames('sample', options, {
    adapter: true,
    temperature: true,
    topP: true,
    topK: true,
    maxNewTokens: true,
    stopTokens: true,
    prompts: true,
    samples: true,
    seeds: true,
  })
  const { prompts, adapter, seeds } = options
  const samples = checkInteger('samples', options.samples ?? 1, { min: 1 })
  checkList('prompts', prompts, 'prompt')
  checkSeeds(seeds, prompts.length)
  for (const [i, prompt] of prompts.entries()) checkPrompt(model.backbone, prompt, `prompts[${i}]`)
  const settings = samplingSettings(model, options)
  checkLengths(model, prompts, settings.maxNewTokens)
  const promptTokens = Math.max(...prompts.map(({ ids }) => ids.length))
  model.checkMemory({
    ...imageWork(model, prompts, adapter?.trainable.vision === true),
    programs: ['encode', 'sample'],
    trainable: adapter?.parameters.length ?? 0,
    groups: prompts.length,
    promptTokens,
    completionTokens: settings.maxNewTokens,
    samples,
  })
  const total = prompts.length * samples
  const { backbone, files } = model
  const trainable = adapter?.trainable
  const key = ['sample', trainableKey(trainable), readsInChunks(files.loops, promptTokens)].join(' ')
  const program = await model.program(key, () => sampleProgram({ backbone, files, trainable, promptTokens }))
  const { tokens, sampled, plain } = await program.run({
    ...(await promptFeeds(model, prompts, adapter)),
    ...settings.feeds,
    owners: integers(Array.from({ length: total }, (_, s) => Math.floor(s / samples))),
    uniforms: {
      dtype: 'float64',
      dims: [total, settings.maxNewTokens],
      data: drawsOf(seeds, { prompts: prompts.length, samples, maxNewTokens: settings.maxNewTokens }),
    },
  })
  const drawn = {
    tokens: tokens.data as BigInt64Array,
    sampled: sampled.data as Float32Array,
    plain: plain.data as Float32Array,
  }
  checkFinite(drawn.plain)
  const { stopTokens } = settings
  return prompts.map((_, g) =>
    completionsOf(model, drawn, { first: g * samples, samples, total, stopTokens }),
  )
}

/** The numbers between 0 and 1 that decide each token of each sample, prompt after prompt. */
function drawsOf(
  seeds: SampleOptions['seeds'],
  { prompts, samples, maxNewTokens }: { prompts: number; samples: number; maxNewTokens: number },
): Float64Array {
  const each = samples * maxNewTokens
  const draws = new Float64Array(prompts * each)
  for (let g = 0; g < prompts; g++) draws.set(uniforms(seeds?.[g] ?? 0, samples, maxNewTokens), g * each)
  return draws
}

function checkSeeds(seeds: SampleOptions['seeds'], prompts: number): void {
  if (seeds === undefined || (isList(seeds) && seeds.length === prompts)) return
  throw new EvolmmError(
    'INVALID_OPTION',
    `seeds: must be one for each of the ${prompts} prompts, got ` +
      `${isList(seeds) ? seeds.length : JSON.stringify(seeds)}; pass as many`,
  )
}

/** A lower temperature makes logits overflow float32. */
const leastTemperature = 1e-9

export interface SamplingSettings {
  maxNewTokens: number
  stopTokens: readonly number[]
  feeds: Record<string, Feed>
}

export function samplingSettings(
  { generation, backbone }: Model,
  options: SamplingOptions,
): SamplingSettings {
  if (options.adapter !== undefined) checkAdapter(backbone, options.adapter)
  const temperature = checkNumber('temperature', options.temperature ?? samplingDefaults.temperature, {
    min: 0,
  })
  if (temperature > 0 && temperature < leastTemperature)
    throw new EvolmmError(
      'INVALID_OPTION',
      `temperature: must be 0, which is greedy, or at least ${leastTemperature}, got ${temperature}; pass 0`,
      { details: { option: 'temperature', value: temperature } },
    )
  const topP = checkNumber('topP', options.topP ?? samplingDefaults.topP, { above: 0, max: 1 })
  const topK = checkInteger('topK', options.topK ?? samplingDefaults.topK, { min: 0 })
  const maxNewTokens = checkInteger('maxNewTokens', options.maxNewTokens ?? samplingDefaults.maxNewTokens, {
    min: 1,
  })
  const stopTokens = options.stopTokens ?? generation.stopTokens
  if (!isList(stopTokens))
    throw new EvolmmError(
      'INVALID_OPTION',
      `stopTokens: must be a list of token ids, got ${JSON.stringify(stopTokens)}; pass [] for none`,
      { details: { option: 'stopTokens', value: stopTokens } },
    )
  for (const token of stopTokens)
    checkInteger('stopTokens', token, { min: 0, max: backbone.sizes.vocabularySize - 1 })
  const number = (value: number): Feed => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) })
  return {
    maxNewTokens,
    stopTokens,
    feeds: {
      temperature: number(temperature),
      // The most probable word has a larger share than this, and so is what both keep.
      top_p: number(Math.max(topP, 1e-9)),
      top_k: {
        dtype: 'int64',
        dims: [],
        data: BigInt64Array.of(BigInt(Math.min(topK, backbone.sizes.vocabularySize))),
      },
      stop_tokens: integers(stopTokens),
    },
  }
}

/** What reading the prompts takes, the policy's parameters included. */
async function promptFeeds(
  model: Model,
  prompts: readonly Prompt[],
  adapter: SampleOptions['adapter'],
): Promise<Feeds> {
  const groups = prompts.map((prompt) => ({ prompt, completions: [] }))
  const { feeds, ...widths } = packGroups(groups)
  const width = feeds.ids.dims[1]
  return {
    ...feeds,
    ...crossFeeds(model.backbone, groups, widths),
    features: await policyFeatures(model, prompts, adapter),
    last_rows: integers(prompts.map(({ ids }, g) => g * width + ids.length - 1)),
    starts: integers(prompts.map(({ ids, delta }) => ids.length + delta)),
    ...(adapter && {
      parameters: { dtype: 'float32', dims: [adapter.parameters.length], data: adapter.parameters },
    }),
  }
}

export function integers(values: readonly number[], dims: readonly number[] = [values.length]): Feed {
  return { dtype: 'int64', dims, data: BigInt64Array.from(values, BigInt) }
}

/** What a run gives, [steps, total] each. */
interface Drawn {
  tokens: BigInt64Array
  sampled: Float32Array
  plain: Float32Array
}

interface Columns {
  /** The column of a prompt's first sample. */
  first: number
  samples: number
  total: number
  stopTokens: readonly number[]
}

/** The completions of one prompt, whose arrays are views of its columns. */
function completionsOf(model: Model, drawn: Drawn, { first, samples, total, stopTokens }: Columns): Sampled {
  const completions = Array.from({ length: samples }, (_, n) =>
    completion(model, drawn, { place: first + n, total, stopTokens }),
  )
  const rows = (values: Float32Array) => {
    const steps = values.length / total
    for (const [n, { ids }] of completions.entries())
      for (let step = ids.length; step < steps; step++) values[step * total + first + n] = NaN
    return ndarray(values, [samples, steps], [1, total], first)
  }
  return Object.assign(completions, {
    sampledLogProbabilities: rows(drawn.sampled),
    logProbabilities: rows(drawn.plain),
  })
}

/** The sample at `place` of [steps, total], up to its stop token. */
function completion(
  { tokenizer }: Model,
  drawn: Drawn,
  { place, total, stopTokens }: { place: number; total: number; stopTokens: readonly number[] },
): Completion {
  const all = Array.from({ length: drawn.tokens.length / total }, (_, step) =>
    Number(drawn.tokens[step * total + place]),
  )
  const stop = all.findIndex((token) => stopTokens.includes(token))
  const ids = Int32Array.from(stop < 0 ? all : all.slice(0, stop + 1))
  const column = (values: Float32Array) =>
    Float32Array.from({ length: ids.length }, (_, step) => values[step * total + place])
  return {
    ids,
    text: tokenizer.decode([...ids], { skipSpecial: true }),
    sampledLogProbabilities: column(drawn.sampled),
    logProbabilities: column(drawn.plain),
    finishReason: stop < 0 ? 'length' : 'stop',
  }
}
