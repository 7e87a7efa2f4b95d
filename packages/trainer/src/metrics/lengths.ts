/** These numbers say how much is written, besides the lengths of the fields themselves. */
import type { Metric } from '@evolmm/runs'
import type { IterationRecord } from '../record/record'
import { answersOf, share, sum } from './means'

export const lengthMetrics: readonly Metric<IterationRecord>[] = [
  {
    name: 'completions/clipped_ratio',
    meaning: 'share of answers that were cut at the limit',
    read: (record) => share(answersOf(record), ({ finishReason }) => finishReason === 'length'),
  },
  {
    name: 'num_tokens',
    meaning: 'tokens that both roles wrote in this iteration (TRL adds them up over the run)',
    read: (record) =>
      sum(answersOf(record).map(({ tokens }) => tokens)) +
      sum(record.images.map(({ proposerTokens }) => proposerTokens)),
  },
]
