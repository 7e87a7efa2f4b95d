/** Supervised learning as `@evolmm/runs` knows it: its name, its settings, and what its records are. */
import { counted } from '@evolmm/internal'
import {
  isLogNumber,
  jsonLines,
  type Change,
  type Direction,
  type LogLine,
  type Method,
  type Metric,
} from '@evolmm/runs'
import { learningMetrics } from './learning-metrics'
import type { SftRecord } from './record'
import { sftSettings } from './settings'

const metrics: readonly Metric<SftRecord>[] = [
  ...learningMetrics,
  { name: 'num_images', meaning: 'images of the step', read: ({ images }) => images },
  { name: 'seconds/total', meaning: 'wall time', read: ({ seconds }) => seconds },
]

/** The numbers that every log has, since they were there from the start: one that came later is missing in older logs. */
const numbers = [
  ...['loss', 'learningRate', 'gradientNorm'],
  ...['images', 'answers', 'tokens', 'seconds'],
] as const satisfies readonly (keyof SftRecord)[]

function isWhole(line: Partial<LogLine>): boolean {
  const values: Partial<Record<string, unknown>> = { ...line }
  return (
    typeof values.skipped === 'boolean' &&
    numbers.every((name) => values[name] != null && isLogNumber(values[name]))
  )
}

export const sft: Omit<Method<SftRecord, (typeof sftSettings)['rows']>, 'open'> = {
  name: 'sft',
  schema: sftSettings,
  metrics,
  log: jsonLines('warmup_log.jsonl', isWhole),
  page: {
    sums: ({ images, answers, tokens }) => ({ images, answers, tokens }),
    introduction: ({ answers, images }, changes) =>
      `A vision-language model was shown ${counted(answers, 'answer')} to questions about ${counted(images, 'picture')}, to learn to give them. ${outcome(changes.get('loss'))}`,
    figures: (_, { images, answers, tokens }) => [
      ['pictures', images],
      ['answers', answers],
      ['answer tokens', tokens],
    ],
    times: ({ seconds }) => ({ total: seconds, parts: {} }),
  },
}

const outcomes: Readonly<Record<Direction, (from: string, to: string) => string>> = {
  fall: (from, to) => `It did: the loss fell from ${from} to ${to} nats a token.`,
  rise: (from, to) => `It did not: the loss rose from ${from} to ${to} nats a token.`,
  none: (from, to) =>
    `Nothing shows that it did: the loss was ${from} nats a token at first and ${to} at the end, which is no more than chance.`,
}

function outcome(change: Change | undefined): string {
  if (change === undefined) return 'Too little was recorded to say how that went.'
  return outcomes[change.direction](change.first.toPrecision(3), change.last.toPrecision(3))
}
