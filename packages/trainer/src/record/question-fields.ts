/** What the record has of an image and of the question about it, a row for each field. A new field is one row. */
import type { QuestionFault } from '@evolmm/rewards'
import type { Episode } from '../episode'
import type { Fields, FieldValues } from './field'
import { panels } from './panels'

/** The rows are in the order of the report's charts. */
export const questionFields = {
  /** The absolute path of the image. */
  path: { key: 'image_path', take: ({ sample }: Episode) => sample.path },
  /** The path from the root of the data, separated by "/". */
  relativePath: { key: 'relative_path', take: ({ sample }: Episode) => sample.relativePath },
  epoch: { key: 'epoch', measure: ({ sample }: Episode) => sample.epoch },
  /** What was asked, or what was `rejected`; `null` when there was nothing to ask. */
  question: { key: 'proposer_question', take: ({ proposed }: Episode) => proposed?.question ?? null },
  /** The proposer's output, markup included. */
  proposerText: { key: 'proposer_out_xml', take: ({ proposed }: Episode) => proposed?.completion.text ?? '' },
  proposerTokens: {
    key: 'proposer_tokens',
    measure: ({ proposed }: Episode) => proposed?.completion.ids.length ?? 0,
    shown: [
      {
        name: 'questions/mean_length',
        meaning: 'tokens that the proposer wrote about an image',
        over: 'mean',
        label: 'proposer',
        tone: 'second',
        panel: panels.length.title,
        title: 'Length of a question',
        chart: { note: 'All that the proposer writes, in tokens, markup included.', span: [0, 10] },
      },
    ],
  },
  /** What is wrong with the form of the output, whether or not it was asked. */
  faults: {
    key: 'question_faults',
    take: ({ proposed }: Episode): QuestionFault[] => proposed?.parsed.faults ?? [],
  },
  /** Why the solver was not asked, or `null` if it was. Nothing is known of an image that could not be decoded. */
  rejected: {
    key: 'rejected',
    take: ({ proposed }: Episode) => (proposed === null ? ('unreadable' as const) : proposed.rejected),
  },
  /** Mean log-probability of the proposer's tokens under the start proposer, in nats. */
  questionLogProbability: {
    key: 'question_log_probability',
    measure: ({ proposed }: Episode) => proposed?.logProbability ?? null,
    shown: [
      {
        name: 'questions/log_probability',
        meaning:
          "log-probability of a question's token under the start proposer, mean over questions, in nats",
        over: 'mean',
        label: 'proposer',
        tone: 'second',
        panel: panels.distance.title,
        title: 'How the first model finds the questions',
        chart: {
          note: 'Log-probability per token of new questions under the proposer of the start. A fall means questions that it would never have asked.',
          alarm: 'unlikely-questions',
        },
      },
    ],
  },
  /** What the proposer's update used; `null` without an update. */
  proposerReward: {
    key: 'proposer_reward',
    measure: ({ lessons }: Episode) => lessons.proposer?.rewards[0] ?? null,
  },
  proposerAdvantage: {
    key: 'proposer_advantage',
    measure: ({ lessons }: Episode) => lessons.proposer?.advantages[0] ?? null,
  },
} satisfies Fields<Episode>

export type QuestionValues = FieldValues<typeof questionFields>
