/**
 * A setup says by task how the numbers of a finished run came about, as its results file has it; files of lmms-eval
 * have none.
 */
import { isObject, parseJson } from '@evolmm/internal'
import { readSmallText } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import type { TaskResult } from '../run/summarize'

export type Setup = Pick<TaskResult, 'mode' | 'judge' | 'revision' | 'rows' | 'fallbackShare' | 'unscored'>

/** Throws `INVALID_RESULTS`, and `UNREADABLE_FILE` for a file without end. */
export async function readSetup(results: string): Promise<ReadonlyMap<string, Setup>> {
  const text = await readSmallText(results).catch((error: unknown) => {
    if (error instanceof EvolmmError) throw error
    return undefined
  })
  if (text === undefined) return new Map()
  let json: unknown
  try {
    json = parseJson(text)
  } catch (cause) {
    throw invalid(results, 'be JSON', cause)
  }
  const own = isObject(json) ? json.evolmm : undefined
  const tasks = isObject(own) ? own.tasks : undefined
  return new Map(
    Object.entries(isObject(tasks) ? tasks : {}).map(([task, setup]) => {
      if (isSetup(setup)) return [task, setup]
      throw invalid(results, `say how the numbers of ${JSON.stringify(task)} came about`)
    }),
  )
}

function isSetup(value: unknown): value is Setup {
  if (!isObject(value)) return false
  const { mode, judge, revision, rows, fallbackShare, unscored } = value
  return (
    [mode, judge ?? '', revision].every((each) => typeof each === 'string') &&
    [rows, fallbackShare, unscored].every((each) => typeof each === 'number')
  )
}

function invalid(results: string, rule: string, cause?: unknown): EvolmmError {
  return new EvolmmError(
    'INVALID_RESULTS',
    `${results}: must ${rule}, got something else; run the evaluation again`,
    { details: { results }, cause },
  )
}

/** What makes two numbers of a task less comparable than they look; a line each. */
export function unlike(first: Setup | undefined, second: Setup | undefined): string[] {
  if (!first || !second) return []
  const shares = (key: 'fallbackShare' | 'unscored', one: Setup) =>
    `${((100 * one[key]) / (key === 'unscored' ? Math.max(1, one.rows) : 1)).toFixed(1)} %`
  const pairs = [
    ['mode', first.mode, second.mode],
    ['judge', first.judge ?? 'none', second.judge ?? 'none'],
    ['revision of the data', first.revision, second.revision],
    [
      'rows decided by a rule of last resort',
      shares('fallbackShare', first),
      shares('fallbackShare', second),
    ],
    ['rows without a score', shares('unscored', first), shares('unscored', second)],
  ] as const
  return pairs.flatMap(([what, a, b]) => (a === b ? [] : [`${what}: ${a} and ${b}`]))
}
