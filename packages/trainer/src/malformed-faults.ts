/** The faults of form for which `skip_malformed` leaves a question unasked. */
import type { QuestionFault } from '@evolmm/rewards'

export const malformedFaults: readonly QuestionFault[] = [
  'empty',
  'missing-question-tag',
  'repeated-tag',
  'markup',
  'too-long',
]
