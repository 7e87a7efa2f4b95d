/** Groups of a gradient with what each of their completions counts. */
import { checkNumber, checkOneOf, normalizations } from '@evolmm/internal'
import { isList } from './check-inputs'
import { EvolmmError } from './errors'
import { mergeCompletions, type MergedGroup } from './merge-completions'
import type { Model } from './model'
import { hasValueHead } from './programs/trainable'
import type { CustomObjective, GradientOptions } from './types'

interface WeighedGroup extends MergedGroup {
  /** Summed advantages of each distinct completion. */
  weights: readonly number[]
  /** The targets of a value head for each distinct completion; none without one. */
  targets: readonly ArrayLike<number>[]
}

export interface WeighedGroups {
  /** The groups that can count, each with those of its completions that can. */
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
  const valued = checkValueHead(options, beta)
  // Completions that are the same may have other targets.
  const merge = custom === undefined && !valued
  const weighed = options.groups.map((group, g) => {
    const merged = weigh(model, group, g, merge)
    return valued ? { ...merged, targets: checkTargets(group.targets, merged, g) } : merged
  })
  const total = weighed.reduce((sum, { places }) => sum + places.length, 0)
  // What an objective of one's own makes of a weight of 0 is not known here.
  const kept = custom !== undefined || beta > 0 ? weighed : weighed.map(counting)
  const counts = kept.map(({ completions }) => completions.length > 0)
  return {
    groups: kept.filter((_, g) => counts[g]),
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
  return { ...merged, weights, targets: [] }
}

/** The group without the completions whose weight is 0; where there are targets there is none. */
function counting(group: WeighedGroup): WeighedGroup {
  const kept = [...group.weights.keys()].filter((c) => group.weights[c] !== 0)
  const of = <T>(each: readonly T[]) => kept.map((c) => each[c])
  return {
    ...group,
    completions: of(group.completions),
    copies: of(group.copies),
    weights: of(group.weights),
    places: group.places.map((place) => kept.indexOf(place)),
  }
}

/** True for an adapter with a value head. What can only go with one, or not with one, is refused. */
function checkValueHead(
  { adapter, objective = 'reinforce', groups }: GradientOptions,
  beta: number,
): boolean {
  const valued = hasValueHead(adapter.trainable)
  const refused = (option: string, rule: string, got: string, fix: string) =>
    new EvolmmError('INVALID_OPTION', `${option}: must ${rule}, got ${got}; ${fix}`, { details: { option } })
  const name = typeof objective === 'object' ? objective.name : objective
  if (valued !== (objective === 'squared-error'))
    throw valued
      ? refused('objective', 'be squared-error for a value head', name, 'pass it, with targets')
      : refused('objective', 'go with a value head', name, 'pass what addValueHead makes of the adapter')
  if (!valued && groups.some(({ targets }) => targets !== undefined))
    throw refused('targets', 'go with a value head', 'some without one', 'leave them out')
  if (valued && groups.some(({ advantages }) => advantages !== undefined))
    throw refused('advantages', 'be left out where targets are learned', 'some', 'leave them out')
  if (valued && beta > 0)
    throw refused('beta', 'be 0 for a value head, which is no policy', String(beta), 'leave it out')
  return valued
}

/** The targets, one for each token of each completion. */
function checkTargets(
  targets: readonly ArrayLike<number>[] | undefined,
  { completions }: MergedGroup,
  index: number,
): readonly ArrayLike<number>[] {
  const name = `groups[${index}].targets`
  const refused = (subject: string, rule: string, got: unknown) =>
    new EvolmmError('INVALID_OPTION', `${subject}: must ${rule}, got ${String(got)}; pass as many`, {
      details: { option: 'groups', group: index },
    })
  const count = Array.isArray(targets) ? targets.length : typeof targets
  if (targets === undefined || count !== completions.length)
    throw refused(name, `be a list for each of the ${completions.length} completions`, count)
  for (const [c, list] of targets.entries()) {
    const { scored } = completions[c]
    if (!isList(list) || list.length !== scored)
      throw refused(
        `${name}[${c}]`,
        `be one for each of the ${scored} tokens`,
        isList(list) ? list.length : typeof list,
      )
    for (const value of Array.from(list)) checkNumber(`${name}[${c}]`, value)
  }
  return targets
}

function objectiveOf({ objective = 'reinforce', groups }: GradientOptions): CustomObjective | undefined {
  if (typeof objective === 'object') return checkObjective(objective)
  checkOneOf('objective', objective, ['reinforce', 'supervised', 'squared-error'])
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
  checkOneOf('normalization', normalization, normalizations)
  return normalization === 'sum' ? 1 : tokens
}
