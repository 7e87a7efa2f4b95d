/**
 * What the record has of how the answers to a question fall, a row for each field. A new field is one row. Its metrics are
 * those of the questions that were asked.
 */
import type { Episode } from '../episode'
import type { Fields, FieldValues } from './field'
import { panels } from './panels'

/** The rows are in the order of the status line and of the report's charts. */
export const voteFields = {
  majority: { key: 'maj_answer', take: ({ graded }: Episode) => graded?.statistics.majority ?? null },
  majorityCount: {
    key: 'maj_count',
    measure: ({ graded }: Episode) => graded?.statistics.majorityCount ?? 0,
    shown: [
      {
        name: 'train/maj_count',
        meaning: 'answers that are the majority, mean over questions',
        over: 'mean',
      },
    ],
  },
  /** Share of the N answers that are the majority; 0 without answers. */
  agreement: {
    key: 'maj_frac',
    measure: ({ graded }: Episode) => graded?.statistics.agreement ?? 0,
    shown: [
      {
        name: 'train/maj_frac',
        meaning: 'the same as a share',
        over: 'mean',
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
    ],
  },
  /** The entropy of the answers, in nats; `null` without answers. */
  entropy: {
    key: 'entropy_nats',
    measure: ({ graded }: Episode) => graded?.statistics.entropy ?? null,
    shown: [
      {
        name: 'train/entropy_nats',
        meaning: 'entropy of the answers, mean over questions, in nats',
        over: 'mean',
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
    ],
  },
} satisfies Fields<Episode>

export type VoteValues = FieldValues<typeof voteFields>
