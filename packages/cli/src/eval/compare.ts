/** `evolmm eval --compare A B`. */
import { basename } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { compareRuns, formatComparison, type ComparedMetric } from '@evolmm/eval'
import type { Context } from '../context'
import { findResults } from './find-results'

export async function compare({ stdout }: Context, runs: readonly string[], json: boolean): Promise<void> {
  const [first = '', second = ''] = runs
  if (runs.length !== 2)
    throw new EvolmmError(
      'INVALID_OPTION',
      `--compare: must be given two runs, got ${runs.length}; name the base, then what it became`,
    )
  const compared = await compareRuns(await findResults(first), await findResults(second))
  const short = [basename(first), basename(second)] as const
  const names = short[0] === short[1] ? ([first, second] as const) : short
  stdout.write(
    json
      ? `${JSON.stringify({ names, compared: comparedJson(compared) })}\n`
      : formatComparison(compared, { names }),
  )
}

export function comparedJson(compared: readonly ComparedMetric[]): Record<string, unknown>[] {
  return compared.map(({ signTest, ...one }) => ({ ...one, sign_test: signTest }))
}
