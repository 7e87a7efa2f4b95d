/** Groups of a gradient with what each of their completions counts. */
import { checkNumber, checkOneOf } from '@evolmm/internal'
import { isList } from './check-inputs'
import { EvolmmError } from './errors'
import { mergeCompletions, type MergedGroup } from './merge-completions'
import type { Model } from './model'
import type { CustomObjective, GradientOptions } from './types'

export interface WeighedGroup extends MergedGroup {
  /** Summed advantages of each distinct completion. */
  weights: readonly number[]
}

export interface WeighedGroups {
  /** The groups that can count. */
  groups: readonly WeighedGroup[]
  /** True for each of those that were given that is among them. */
  counts: readonly boolean[]
  /** What each token of a completion of so many tokens is multiplied with. */
  share: (tokens: number) => number
  beta: number
  /** An objective of one's own. */
  custom: CustomObjective | undefined
}

/** Throws `INVALID_OPTION`. */
export function weighGroups(model: Model, options: GradientOptions): WeighedGroups {
  const beta = checkNumber('beta', options.beta ?? 0, { min: 0 })
  const custom = objectiveOf(options)
  const weighed = options.groups.map((group, g) => weigh(model, group, g, custom === undefined))
  const total = weighed.reduce((sum, { places }) => sum + places.length, 0)
  // What an objective of one's own makes of a weight of 0 is not known here.
  const counts = weighed.map(
    ({ weights }) => custom !== undefined || beta > 0 || weights.some((weight) => weight !== 0),
  )
  return {
    groups: weighed.filter((_, g) => counts[g]),
    counts,
    share: (tokens) => 1 / (total * lengthOf(options, tokens)),
    beta,
    custom,
  }
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

function objectiveOf({ objective = 'reinforce', groups }: GradientOptions): CustomObjective | undefined {
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

/** What the tokens of a completion are divided by. */
function lengthOf({ normalization = 'token-mean' }: GradientOptions, tokens: number): number {
  if (typeof normalization === 'object' && (normalization as unknown) !== null)
    return checkNumber('normalization.fixedLength', normalization.fixedLength, { above: 0 })
  checkOneOf('normalization', normalization, ['token-mean', 'sum'])
  return normalization === 'sum' ? 1 : tokens
}
