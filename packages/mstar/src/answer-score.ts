/** What a reward model says of an answer as a whole. */
import { checkList, checkNumber } from '@evolmm/internal'

/** The least of its steps: an answer is as good as its weakest step. `null` for an answer without steps. */
export function answerScore(steps: readonly number[]): number | null {
  checkList('steps', steps)
  for (const [i, value] of steps.entries()) checkNumber(`steps[${i}]`, value)
  return steps.length === 0 ? null : Math.min(...steps)
}
