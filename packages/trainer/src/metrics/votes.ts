/** These numbers say how much answers to one question agree. */
import { knownMean } from '@evolmm/internal'
import type { Metric } from '@evolmm/runs'
import { panels } from '../record/panels'
import type { IterationRecord } from '../record/record'
import { askedImages } from './means'

export const voteMetrics: readonly Metric<IterationRecord>[] = [
  {
    name: 'train/num_solver_samples',
    meaning: 'answers to a question',
    read: (record) => knownMean(askedImages(record).map(({ answers }) => answers.length)),
  },
  {
    name: 'train/maj_count',
    meaning: 'answers that are the majority, mean over questions',
    read: (record) => knownMean(askedImages(record).map(({ majorityCount }) => majorityCount)),
  },
  {
    name: 'train/maj_frac',
    meaning: 'the same as a share',
    read: (record) => knownMean(askedImages(record).map(({ agreement }) => agreement)),
    status: 'agreement',
    compared: 'Agreement of the answers',
    isShare: true,
    label: 'solver',
    panel: panels.agreement.title,
    title: 'Agreement',
    chart: {
      note: 'Share of the answers that are the most frequent one. It rises when answers become consistent, in right ones and in wrong ones alike.',
      span: [0, 1],
    },
  },
  {
    name: 'train/entropy_nats',
    meaning: 'entropy of the answers, mean over questions, in nats',
    read: (record) => knownMean(record.images.map(({ entropy }) => entropy)),
    status: 'entropy',
    compared: 'Entropy of the answers',
    label: 'solver',
    panel: panels.agreement.title,
    title: 'Disagreement, as entropy',
    chart: {
      note: 'In nats: 0 when all answers are equal, more when they are split. Once it stays at 0 there is nothing left to learn from.',
      span: [0, 1],
      alarm: 'entropy',
    },
  },
]
