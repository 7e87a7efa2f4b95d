/**
 * The learning pass: one gradient for packed groups, and scores without a backward pass.
 *
 * Completions of a group that are identical become one with summed weights, which is exact because every term of the
 * loss is a sum over completions. A group in which nothing can count (all advantages 0 and no divergence) is left out.
 */
import { checkNumber, checkOneOf } from '@evolmm/internal'
import { EvolmmError } from './errors'
import type { Adapter } from './adapter/adapter'
import type { Feed } from './backbones/feed'
import { checkLengths } from './check-lengths'
import { checkAdapter, checkFinite, checkList, checkPrompt, isList } from './check-inputs'
import { baseFeatures, imageWork } from './encode-image'
import { mergeCompletions, type MergedGroup } from './merge-completions'
import { trainableKey, type Model } from './model'
import { learnProgram, trainsVocabulary } from './programs/learn-program'
import { packGroups } from './programs/pack-groups'
import type { Feeds } from './runtime/session'
import { seedInteger } from './runtime/uniforms'
import { summary, tokenScores } from './token-scores'
import type { CustomObjective, Gradient, GradientOptions, Group, ScoreOptions, Scores } from './types'

export async function gradient(model: Model, options: GradientOptions): Promise<Gradient> {
  const { backbone, files } = model
  const { adapter, checkpointed = false } = options
  checkGroups(model, options.groups)
  checkAdapter(backbone, adapter)
  const { trainable, dropout } = adapter
  const beta = checkNumber('beta', options.beta ?? 0, { min: 0 })
  const custom = objectiveOf(options)
  const weighed = options.groups.map((group, g) => weigh(model, group, g, custom === undefined))
  const total = weighed.reduce((sum, { places }) => sum + places.length, 0)
  // What an objective of one's own makes of a weight of 0 is not known here.
  const counts = weighed.map(
    ({ weights }) => custom !== undefined || beta > 0 || weights.some((weight) => weight !== 0),
  )
  const groups = weighed.filter((_, g) => counts[g])
  if (groups.length === 0) return nothing(options)

  const pixels = needsPixels(adapter, groups)
  model.checkMemory({
    ...workOf(groups, pixels),
    programs: ['encode', 'sample', 'learn'],
    trainable: adapter.parameters.length,
    trainHead: trainsVocabulary(backbone, trainable),
    kl: beta > 0,
    checkpointed,
  })
  const key = [
    'learn',
    trainableKey(trainable),
    JSON.stringify(custom?.name),
    beta > 0,
    dropout,
    checkpointed,
    pixels,
  ]
  const program = await model.program(
    key.join(' '),
    () =>
      learnProgram({
        backbone,
        files,
        trainable,
        gradient: true,
        kl: beta > 0,
        objective: custom?.loss,
        dropout,
        checkpointed,
        pixels,
      }),
    { prepack: false },
  )
  if (program.inputs.has('sampled')) checkSampled(options.groups, custom?.name)
  const share = (tokens: number) => 1 / (total * lengthOf(options, tokens))
  const results = await program.run({
    ...(await learnFeeds(model, groups, { adapter, kl: beta > 0 })),
    weights: perToken(groups, (group, c, tokens) => group.weights[c] * share(tokens)),
    kl_weights: perToken(groups, (group, c, tokens) => beta * group.copies[c] * share(tokens)),
    sampled: sampledFeed(groups),
    dropout_seed: {
      dtype: 'int64',
      dims: [],
      data: BigInt64Array.of(BigInt(seedInteger(options.seed ?? 0))),
    },
  })
  const scores = tokenScores(groups, results)
  checkFinite(results.log_probabilities.data as Float32Array)
  let next = 0
  return {
    ...summary(groups, scores),
    completions: counts.map((counted) => (counted ? scores[next++] : undefined)),
    loss: (results.loss.data as Float32Array)[0],
    gradient: results.gradient.data as Float32Array,
  }
}

export async function score(model: Model, options: ScoreOptions): Promise<Scores> {
  const { backbone, files } = model
  const { adapter, kl = false } = options
  checkGroups(model, options.groups)
  if (adapter !== undefined) checkAdapter(backbone, adapter)
  const trainable = adapter?.trainable
  const groups = options.groups.map((group, g) => mergeCompletions(group, g, backbone.sizes.vocabularySize))
  const pixels = adapter !== undefined && needsPixels(adapter, groups)
  model.checkMemory({
    ...workOf(groups, pixels),
    programs: ['encode', 'score'],
    trainable: adapter?.parameters.length ?? 0,
    kl: kl && adapter !== undefined,
  })
  const program = await model.program(
    ['score', trainableKey(trainable), kl, pixels].join(' '),
    () => learnProgram({ backbone, files, trainable, gradient: false, kl, pixels }),
    { prepack: false },
  )
  const results = await program.run({
    ...(await learnFeeds(model, groups, { adapter, kl })),
    weights: perToken(groups, () => 0),
    kl_weights: perToken(groups, () => 0),
  })
  const completions = tokenScores(groups, results)
  checkFinite(results.log_probabilities.data as Float32Array)
  return { ...summary(groups, completions), completions }
}

/** Sizes for the memory estimate. */
function workOf(groups: readonly MergedGroup[], pixels: boolean) {
  return {
    ...imageWork(
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

interface WeighedGroup extends MergedGroup {
  /** Summed advantages of each distinct completion. */
  weights: readonly number[]
}

function weigh(
  model: Model,
  group: GradientOptions['groups'][number],
  index: number,
  merge: boolean,
): WeighedGroup {
  const merged = mergeCompletions(group, index, model.backbone.sizes.vocabularySize, merge)
  const { advantages = merged.places.map(() => 1) } = group
  if (!isList(advantages) || advantages.length !== merged.places.length)
    throw new EvolmmError(
      'INVALID_OPTION',
      `groups[${index}].advantages: must be one for each of the ${merged.places.length} completions, got ` +
        `${isList(advantages) ? advantages.length : typeof advantages}; pass as many`,
    )
  const weights = merged.completions.map(() => 0)
  for (const [c, place] of merged.places.entries())
    weights[place] += checkNumber(`groups[${index}].advantages[${c}]`, advantages[c])
  return { ...merged, weights }
}

function objectiveOf({ objective = 'reinforce', groups }: GradientOptions) {
  if (typeof objective === 'object') return checkObjective(objective)
  checkOneOf('objective', objective, ['reinforce', 'supervised'])
  if (objective === 'supervised' && groups.some(({ advantages }) => advantages !== undefined))
    throw new EvolmmError(
      'INVALID_OPTION',
      'objective: supervised learning has no advantages, got some; leave them out or use reinforce',
    )
  return undefined
}

function checkObjective(objective: CustomObjective): CustomObjective {
  const given = objective as Partial<CustomObjective> | null
  if (typeof given?.name === 'string' && given.name !== '' && typeof given.loss === 'function')
    return objective
  throw new EvolmmError(
    'INVALID_OPTION',
    `objective: must have a name and a function "loss", got ${JSON.stringify(objective)}; give both`,
  )
}

function checkGroups({ backbone }: Model, groups: readonly Group[]): void {
  checkList('groups', groups, 'group')
  for (const [g, group] of (groups as readonly (Partial<Group> | null | undefined)[]).entries())
    checkPrompt(backbone, group?.prompt, `groups[${g}].prompt`)
}

function needsPixels({ trainable }: Adapter, groups: readonly MergedGroup[]): boolean {
  return trainable.vision && groups.some(({ prompt }) => prompt.images.length > 0)
}

/** What the tokens of a completion are divided by. */
function lengthOf({ normalization = 'token-mean' }: GradientOptions, tokens: number): number {
  if (typeof normalization === 'object' && (normalization as unknown) !== null)
    return checkNumber('normalization.fixedLength', normalization.fixedLength, { above: 0 })
  checkOneOf('normalization', normalization, ['token-mean', 'sum'])
  return normalization === 'sum' ? 1 : tokens
}

async function learnFeeds(
  model: Model,
  groups: readonly MergedGroup[],
  { adapter, kl }: { adapter: Adapter | undefined; kl: boolean },
): Promise<Feeds> {
  const prompts = groups.map(({ prompt }) => prompt)
  const pixels = adapter !== undefined && needsPixels(adapter, groups)
  for (const { prompt, completions } of groups)
    checkLengths(model, [prompt], Math.max(...completions.map(({ ids }) => ids.length)))
  const { feeds } = packGroups(groups)
  return {
    ...feeds,
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
function perToken<G extends MergedGroup>(
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

/** The values are of no use, and zeros where they were not given, unless the objective reads them. */
function sampledFeed(groups: readonly MergedGroup[]): Feed {
  const data = Float32Array.from(
    groups.flatMap(({ completions }) =>
      completions.flatMap(({ scored, logProbabilities }) => [
        ...(logProbabilities ?? new Float32Array(scored)),
      ]),
    ),
  )
  return { dtype: 'float32', dims: [data.length], data }
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
