/**
 * A setup says by task how the numbers of a finished run came about, as its results file has it; files of lmms-eval
 * have none.
 */
import { readFile } from 'node:fs/promises'
import { parseJson } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import type { TaskResult } from '../run/summarize'

export type Setup = Pick<TaskResult, 'mode' | 'judge' | 'revision' | 'rows' | 'fallbackShare' | 'unscored'>

export async function readSetup(results: string): Promise<ReadonlyMap<string, Setup>> {
  const text = await readFile(results, 'utf8').catch(() => undefined)
  if (text === undefined) return new Map()
  try {
    const { evolmm } = Object(parseJson(text)) as { evolmm?: { tasks?: Record<string, Setup> } }
    return new Map(Object.entries(evolmm?.tasks ?? {}))
  } catch (cause) {
    throw new EvolmmError(
      'INVALID_RESULTS',
      `${results}: must be JSON, got something else; run the evaluation again`,
      { details: { results }, cause },
    )
  }
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
