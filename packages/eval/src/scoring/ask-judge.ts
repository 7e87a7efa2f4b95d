/** What a judge replies; `undefined` without a judge, and when it does not take this text. */
import { EvolmmError } from '../errors'
import type { JudgeRequest } from '../judge'
import type { ScoringContext } from '../task'

export async function askJudge(
  { judge, signal, mode }: ScoringContext,
  request: Omit<JudgeRequest, 'signal'>,
): Promise<string | undefined> {
  if (judge === undefined || mode === 'rule-based') return undefined
  try {
    return await judge.ask({ ...request, signal })
  } catch (error) {
    if (error instanceof EvolmmError && error.code === 'JUDGE_REFUSED') return undefined
    throw error
  }
}
