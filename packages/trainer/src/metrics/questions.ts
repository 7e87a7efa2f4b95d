/** What became of questions and answers before anything was learned from them. */
import type { Metric } from '@evolmm/runs'
import { panels } from '../record/panels'
import type { IterationRecord } from '../record/record'
import { answersOf, share } from './means'

const uncounted = {
  panel: panels.reward.title,
  title: 'What did not count',
  chart: {
    note: 'Answers without a readable result, which never vote, and questions that were not asked. Both should stay near 0.',
    span: [0, 0.1],
    band: false,
  },
} as const

export const questionMetrics: readonly Metric<IterationRecord>[] = [
  {
    name: 'answers/invalid_frac',
    meaning: 'share of answers that are invalid',
    read: (record) => share(answersOf(record), ({ answer }) => answer === null),
    ...uncounted,
    label: 'answers',
  },
  {
    name: 'questions/rejected_frac',
    meaning: 'share of images whose question was not asked',
    read: ({ images }) => share(images, ({ rejected }) => rejected !== null),
    ...uncounted,
    label: 'questions',
    tone: 'second',
  },
  {
    name: 'questions/asked_frac',
    meaning: 'share of images whose question was answered',
    read: ({ images }) => share(images, ({ answers }) => answers.length > 0),
  },
  {
    name: 'questions/fault_frac',
    meaning: 'share of questions with a fault of form',
    read: ({ images }) => share(images, ({ faults }) => faults.length > 0),
  },
]
