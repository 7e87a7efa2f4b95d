/** These numbers say how much is written. */
import { knownMean } from '@evolmm/internal'
import type { Metric } from '@evolmm/runs'
import { panels } from '../record/panels'
import type { IterationRecord } from '../record/record'
import { answersOf, share, sum } from './means'

export const lengthMetrics: readonly Metric<IterationRecord>[] = [
  {
    name: 'completions/mean_length',
    meaning: 'tokens of an answer',
    read: (record) => knownMean(lengths(record)),
    label: 'solver',
    panel: panels.length.title,
    title: 'Length of an answer',
    chart: {
      note: 'In tokens, reasoning included. A jump to the limit means that answers are cut off.',
      span: [0, 10],
    },
  },
  {
    name: 'completions/min_length',
    meaning: 'tokens of the shortest answer',
    read: (record) => extreme(Math.min, lengths(record)),
  },
  {
    name: 'completions/max_length',
    meaning: 'tokens of the longest answer',
    read: (record) => extreme(Math.max, lengths(record)),
  },
  {
    name: 'completions/clipped_ratio',
    meaning: 'share of answers that were cut at the limit',
    read: (record) => share(answersOf(record), ({ finishReason }) => finishReason === 'length'),
  },
  {
    name: 'train/pre_words_mean',
    meaning: 'words before the answer',
    read: (record) => knownMean(answersOf(record).map(({ wordsBefore }) => wordsBefore)),
    label: 'solver',
    panel: panels.length.title,
    title: 'Words before the answer',
    chart: {
      note: 'What the solver writes before it commits itself. Beyond a limit it costs a little reward.',
      span: [0, 4],
    },
  },
  {
    name: 'questions/mean_length',
    meaning: 'tokens that the proposer wrote about an image',
    read: ({ images }) => knownMean(images.map(({ proposerTokens }) => proposerTokens)),
    label: 'proposer',
    tone: 'second',
    panel: panels.length.title,
    title: 'Length of a question',
    chart: { note: 'All that the proposer writes, in tokens, markup included.', span: [0, 10] },
  },
  {
    name: 'num_tokens',
    meaning: 'tokens that both roles wrote in this iteration (TRL adds them up over the run)',
    read: (record) => sum(lengths(record)) + sum(record.images.map(({ proposerTokens }) => proposerTokens)),
  },
]

function lengths(record: IterationRecord): number[] {
  return answersOf(record).map(({ tokens }) => tokens)
}

function extreme(choose: (...values: number[]) => number, values: readonly number[]): number | null {
  return values.length === 0 ? null : choose(...values)
}
