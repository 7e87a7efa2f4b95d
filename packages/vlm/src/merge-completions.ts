/**
 * Identical completions of a group as one: exact, and cheaper the more a policy agrees with itself. What is told apart
 * is the context of a completion, its tokens, and where the one ends.
 */
import { checkInteger } from '@evolmm/internal'
import { EvolmmError } from './errors'
import { checkList } from './check-inputs'
import type { Group, Prompt, ScoredCompletion } from './types'

export interface MergedGroup {
  prompt: Prompt
  /** Distinct completions in the order of their first appearance. */
  completions: readonly MergedCompletion[]
  /** The number of completions that each stands for. */
  copies: readonly number[]
  /** The distinct completion that each given one is; -1 for one that is left out. */
  places: readonly number[]
  /** All that came in. */
  all: readonly ScoredCompletion[]
}

interface MergedCompletion extends ScoredCompletion {
  given: number
  /** Tokens that count: those after the given ones. */
  scored: number
}

export function mergeCompletions(
  { prompt, completions }: Group,
  index: number,
  vocabularySize: number,
  /** False for objectives that are not linear in the weights. */
  merge = true,
): MergedGroup {
  checkList(`groups[${index}].completions`, completions, 'completion')
  const known = new Map<string, number>()
  const distinct: MergedCompletion[] = []
  const copies: number[] = []
  const places = completions.map((completion, c) => {
    const {
      ids,
      given = 0,
      logProbabilities,
    } = (completion as Partial<ScoredCompletion> | null | undefined) ?? {}
    const name = `groups[${index}].completions[${c}]`
    if (!(ids instanceof Int32Array))
      throw new EvolmmError(
        'INVALID_OPTION',
        `${name}: must have "ids", an Int32Array, got ${typeof ids}; pass what sample returns, or Int32Array.from(...)`,
      )
    if (ids.length === 0)
      throw new EvolmmError('INVALID_OPTION', `${name}: must have at least one token, got none; leave it out`)
    for (const id of ids) checkInteger(name, id, { min: 0, max: vocabularySize - 1 })
    checkInteger(`${name}.given`, given, { min: 0, max: ids.length - 1 })
    const scored = ids.length - given
    if (logProbabilities !== undefined) checkLogProbabilities(name, logProbabilities, scored)
    const key = merge ? `${given}:${ids.join()}` : String(c)
    const place = known.get(key) ?? distinct.length
    if (place === distinct.length) {
      known.set(key, place)
      distinct.push({ ...completion, given, scored })
      copies.push(0)
    }
    copies[place]++
    return place
  })
  return { prompt, completions: distinct, copies, places, all: completions }
}

function checkLogProbabilities(name: string, values: Float32Array, tokens: number): void {
  const given: unknown = values
  const wrong = !(given instanceof Float32Array)
    ? `${given === null ? 'null' : typeof given} that is no Float32Array`
    : given.length !== tokens
      ? String(given.length)
      : given.find((value) => !Number.isFinite(value))
  if (wrong !== undefined)
    throw new EvolmmError(
      'INVALID_OPTION',
      `${name}: must have one log-probability, a finite number, for each of its ${tokens} tokens, got ${wrong}; pass the sampler's`,
    )
}
