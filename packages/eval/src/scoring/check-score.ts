/** The values of a row are what means are made of: each is from 0 to 1, or null for a row that nothing could decide. */
import { inspect } from 'node:util'
import { isObject } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import type { Score, Task } from '../task'

export function isScore(value: unknown): value is Score {
  if (!isObject(value) || !isScores(value.values)) return false
  const { fallback, parsed, details } = value
  return (
    (fallback === undefined || typeof fallback === 'boolean') &&
    (parsed === undefined || parsed === null || typeof parsed === 'string') &&
    (details === undefined || isObject(details))
  )
}

export function isScores(values: unknown): values is Score['values'] {
  return (
    isObject(values) &&
    Object.values(values).every(
      (value) => value === null || (typeof value === 'number' && value >= 0 && value <= 1),
    )
  )
}

/** Throws `INVALID_SCORE` for what a task may not return. */
export function checkScore({ name }: Pick<Task, 'name'>, score: unknown): Score {
  if (isScore(score)) return score
  throw new EvolmmError(
    'INVALID_SCORE',
    `${name}: must score an answer with values from 0 to 1 or null, got ${inspect(score, { breakLength: Infinity })}; mend the task's score`,
    { details: { task: name } },
  )
}
