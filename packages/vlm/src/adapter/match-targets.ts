/** Targets name modules and weights by their last parts, as in PEFT, under the present or the former name. */
import { EvolmmError } from '../errors'
import type { Backbone } from '../backbones/backbone'

export interface MatchedTargets {
  /** The names that matched, in the order of `names`. */
  matched: string[]
  /** Targets that name nothing, in their order. */
  unmatched: string[]
}

type Named = Pick<Backbone, 'names'>

/** `q_proj` is the end of `self_attn.q_proj`, `proj` is not. */
export function endsIn({ names }: Named, name: string, target: string): boolean {
  return [name, names.published(name)].some((each) => each === target || each.endsWith(`.${target}`))
}

/** Throws `INVALID_OPTION` for targets that are no list of texts. */
export function matchTargets(
  model: Named,
  names: Iterable<string>,
  targets: readonly string[],
): MatchedTargets {
  const list: unknown = targets
  if (
    !Array.isArray(list) ||
    list.length === 0 ||
    list.some((target) => typeof target !== 'string' || target === '')
  )
    throw new EvolmmError(
      'INVALID_OPTION',
      `targets: must be a list of one name or more, got ${JSON.stringify(targets)}; pass names such as 'q_proj'`,
      { details: { option: 'targets', value: targets } },
    )
  const all = [...names]
  return {
    matched: all.filter((name) => targets.some((target) => endsIn(model, name, target))),
    unmatched: [...new Set(targets)].filter((target) => !all.some((name) => endsIn(model, name, target))),
  }
}

/** The error for targets that name nothing at all. */
export function nothingMatched(
  kind: 'module' | 'weight',
  { targets: [usual] }: Pick<Backbone, 'targets'>,
  { targets, vision }: { targets: readonly string[]; vision: boolean },
): EvolmmError {
  const where = vision ? 'of the model' : 'of the language model'
  const more = vision ? '' : ', or train the vision tower too'
  const example = kind === 'module' ? usual : `${usual}.weight`
  return new EvolmmError(
    'NO_MATCH',
    `targets: must name a ${kind} ${where}, got ${targets.join(', ')}; pass the last parts of names, such as ${example}${more}`,
    { details: { option: 'targets', targets, vision } },
  )
}
