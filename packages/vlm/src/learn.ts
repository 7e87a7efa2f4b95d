/**
 * The learning pass: one gradient for packed groups, and scores without a backward pass.
 *
 * Completions of a group that are identical become one with summed weights, which is exact because every term of the
 * loss is a sum over completions. A completion that cannot count (an advantage of 0 and no divergence) is left out, and so
 * is a group of such completions.
 */
import { checkNames } from '@evolmm/internal'
import { checkAdapter, checkFinite, checkList, checkPrompt } from './check-inputs'
import { EvolmmError } from './errors'
import { learnFeeds, learningWork, needsPixels, perToken, sampledFeed, targetsFeed } from './learn-feeds'
import { mergeCompletions } from './merge-completions'
import { trainableKey, type Model } from './model'
import { learnProgram, trainsVocabulary } from './programs/learn-program'
import { learnsInChunks, readsInChunks } from './programs/prompt-chunks'
import { hasValueHead } from './programs/trainable'
import type { Program } from './runtime/session'
import { seedInteger } from './runtime/uniforms'
import { summary, tokenScores } from './token-scores'
import type { Gradient, GradientOptions, Group, Scored, ScoreOptions, Scores } from './types'
import { weighGroups, type WeighedGroups } from './weigh-groups'

export async function gradient(model: Model, options: GradientOptions): Promise<Gradient> {
  checkNames('gradient', options, {
    groups: true,
    adapter: true,
    beta: true,
    normalization: true,
    objective: true,
    checkpointed: true,
    seed: true,
  })
  const { adapter } = options
  checkGroups(model, options.groups)
  checkAdapter(model.backbone, adapter)
  const weighed = weighGroups(model, options)
  const { groups, counts, share, beta, custom } = weighed
  if (groups.length === 0) return nothing(options)

  const program = await gradientProgram(model, options, weighed)
  if (program.inputs.has('sampled')) checkSampled(options.groups, custom?.name)
  const results = await program.run({
    ...(await learnFeeds(model, groups, { adapter, kl: beta > 0 })),
    weights: perToken(groups, (group, c, tokens) => group.weights[c] * share(tokens)),
    kl_weights: perToken(groups, (group, c, tokens) => beta * group.copies[c] * share(tokens)),
    sampled: sampledFeed(groups),
    targets: targetsFeed(groups),
    dropout_seed: {
      dtype: 'int64',
      dims: [],
      data: BigInt64Array.of(BigInt(seedInteger(options.seed ?? 0))),
    },
  })
  const scores = tokenScores(groups, results)
  checkFinite(reported(results))
  let next = 0
  return {
    ...summary(groups, scores),
    completions: counts.map((counted) => (counted ? scores[next++] : undefined)),
    loss: (results.loss.data as Float32Array)[0],
    gradient: results.gradient.data as Float32Array,
  }
}

/** Throws `MEMORY_EXCEEDED` if the work cannot fit. */
function gradientProgram(
  model: Model,
  { adapter, checkpointed = false }: GradientOptions,
  { groups, beta, custom }: WeighedGroups,
): Promise<Program> {
  const { backbone, files } = model
  const { trainable, dropout, parameters } = adapter
  const kl = beta > 0
  const pixels = needsPixels(adapter, groups)
  model.checkMemory({
    ...learningWork(model, groups, pixels),
    programs: ['encode', 'sample', 'learn'],
    trainable: parameters.length,
    trainHead: trainsVocabulary(backbone, trainable),
    kl,
    checkpointed,
  })
  const own = JSON.stringify(custom?.name)
  const promptTokens = longestPrompt(groups)
  const inChunks = learnsInChunks(files.loops, promptTokens)
  const key = ['learn', trainableKey(trainable), own, kl, dropout, checkpointed, pixels, inChunks]
  const build = () =>
    learnProgram({
      ...{ backbone, files, trainable, kl, dropout, checkpointed, pixels },
      gradient: true,
      objective: custom?.loss,
      promptTokens,
    })
  return model.program(key.join(' '), build, { prepack: false })
}

export async function score(
  model: Model,
  options: ScoreOptions,
): Promise<Scores & { completions: Scored[] }> {
  checkNames('score', options, { groups: true, adapter: true, kl: true })
  const { backbone, files } = model
  const { adapter } = options
  checkGroups(model, options.groups)
  if (adapter !== undefined) checkAdapter(backbone, adapter)
  const trainable = adapter?.trainable
  // Values have no divergence.
  const kl = (options.kl ?? false) && !(trainable && hasValueHead(trainable))
  const groups = options.groups.map((group, g) => mergeCompletions(group, g, backbone.sizes.vocabularySize))
  const pixels = needsPixels(adapter, groups)
  model.checkMemory({
    ...learningWork(model, groups, pixels),
    programs: ['encode', 'score'],
    trainable: adapter?.parameters.length ?? 0,
    kl: kl && adapter !== undefined,
  })
  const promptTokens = longestPrompt(groups)
  const inChunks = readsInChunks(files.loops, promptTokens)
  const program = await model.program(
    ['score', trainableKey(trainable), kl, pixels, inChunks].join(' '),
    () => learnProgram({ backbone, files, trainable, gradient: false, kl, pixels, promptTokens }),
    { prepack: false },
  )
  const results = await program.run({
    ...(await learnFeeds(model, groups, { adapter, kl })),
    weights: perToken(groups, () => 0),
    kl_weights: perToken(groups, () => 0),
    targets: perToken(groups, () => 0),
  })
  const completions = tokenScores(groups, results)
  checkFinite(reported(results))
  return { ...summary(groups, completions), completions }
}

function longestPrompt(groups: readonly Pick<Group, 'prompt'>[]): number {
  return Math.max(...groups.map(({ prompt }) => prompt.ids.length))
}

/** What a program says of each token: its log-probability, or its value. */
function reported(results: Awaited<ReturnType<Program['run']>>): Float32Array {
  const name = 'values' in results ? 'values' : 'log_probabilities'
  return results[name].data as Float32Array
}

function checkGroups({ backbone }: Model, groups: readonly Group[]): void {
  checkList('groups', groups, 'group')
  for (const [g, group] of (groups as readonly (Partial<Group> | null | undefined)[]).entries())
    checkPrompt(backbone, group?.prompt, `groups[${g}].prompt`)
}

/** Throws `INVALID_OPTION` unless the sampler's log-probabilities came with every completion. */
function checkSampled(groups: readonly Group[], objective = ''): void {
  for (const [g, { completions }] of groups.entries())
    for (const [c, { logProbabilities }] of completions.entries())
      if (logProbabilities === undefined)
        throw new EvolmmError(
          'INVALID_OPTION',
          `groups[${g}].completions[${c}]: must have "logProbabilities", which the objective ${JSON.stringify(objective)} ` +
            'reads, got none; pass what sample returns',
          { details: { option: 'groups', group: g, completion: c, objective } },
        )
}

/** The result when no group counts: nothing is run. */
function nothing({ groups, adapter }: GradientOptions): Gradient {
  return {
    completions: groups.map(() => undefined),
    loss: 0,
    nll: NaN,
    entropy: NaN,
    kl: NaN,
    samplerGap: undefined,
    gradient: new Float32Array(adapter.parameters.length),
  }
}
