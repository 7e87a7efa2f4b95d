/** A price on questions that break the form. To skip them instead, use `gate`. */
import { checkNames, checkNumber } from '@evolmm/internal'
import type { ProposerSample, Reward } from './reward'

export interface MalformedQuestionPenaltyOptions {
  /** What a malformed question costs. @default 1 */
  weight?: number
}

/** `-weight` for a question with any fault, else 0. */
export function malformedQuestionPenalty(
  options: MalformedQuestionPenaltyOptions = {},
): Reward<Pick<ProposerSample, 'faults'>> {
  checkNames('malformedQuestionPenalty', options, { weight: true })
  const weight = checkNumber('weight', options.weight ?? 1, { min: 0 })
  return (batch) => batch.map(({ faults }) => (faults.length > 0 ? -weight : 0))
}
