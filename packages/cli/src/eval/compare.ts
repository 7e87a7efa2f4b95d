/** `evolmm eval --compare A B`. */
import { basename } from 'node:path'
import { compareRuns, formatComparison, type ComparedMetric } from '@evolmm/eval'
import type { Context } from '../context'
import { findResults } from './find-results'

export async function compare({ stdout }: Context, runs: readonly string[], json: boolean): Promise<void> {
  const [first = '', second = ''] = runs
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
