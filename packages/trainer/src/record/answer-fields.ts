/** What the record has of an answer, a row for each field. A new field is one row, and nothing else. */
import type { Completion } from '@evolmm/vlm'
import type { Answer } from '@evolmm/rewards'
import type { Fields, FieldValues } from './field'
import { panels } from './panels'

/** An answer when the iteration is over. */
export interface AnswerGiven {
  completion: Completion
  raw: Answer
  answer: Answer
  words: number
  reward: number | null
  advantage: number | null
}

/** The rows are in the order of the status line and of the report's charts. */
export const answerFields = {
  /** The whole text of the solver's completion. */
  text: { key: 'solver_outputs', take: ({ completion }: AnswerGiven) => completion.text },
  /** The answer as written in the tag; `null` is invalid. */
  raw: { key: 'solver_answers_raw', take: ({ raw }: AnswerGiven) => raw },
  /** Normalised, as it votes. */
  answer: { key: 'solver_answers_norm', take: ({ answer }: AnswerGiven) => answer },
  /** What the update used. */
  reward: {
    key: 'solver_rewards',
    measure: ({ reward }: AnswerGiven) => reward,
    shown: [
      {
        name: 'reward',
        meaning: 'what the solver learned from, mean over answers',
        over: 'mean',
        status: 'reward',
        compared: 'Reward of the solver',
        label: 'solver',
        panel: panels.reward.title,
        title: 'Reward of the solver',
        chart: {
          note: 'Mean over the answers. If all of them earn the same for a long time, the model no longer learns.',
          span: [0, 1],
          alarm: 'reward-variance',
        },
      },
    ],
  },
  advantage: { key: 'solver_advantages', measure: ({ advantage }: AnswerGiven) => advantage },
  tokens: {
    key: 'solver_tokens',
    measure: ({ completion }: AnswerGiven) => completion.ids.length,
    shown: [
      {
        name: 'completions/mean_length',
        meaning: 'tokens of an answer',
        over: 'mean',
        label: 'solver',
        panel: panels.length.title,
        title: 'Length of an answer',
        chart: {
          note: 'In tokens, reasoning included. A jump to the limit means that answers are cut off.',
          span: [0, 10],
        },
      },
      { name: 'completions/min_length', meaning: 'tokens of the shortest answer', over: 'least' },
      { name: 'completions/max_length', meaning: 'tokens of the longest answer', over: 'most' },
    ],
  },
  wordsBefore: {
    key: 'pre_answer_word_counts',
    measure: ({ words }: AnswerGiven) => words,
    shown: [
      {
        name: 'train/pre_words_mean',
        meaning: 'words before the answer',
        over: 'mean',
        label: 'solver',
        panel: panels.length.title,
        title: 'Words before the answer',
        chart: {
          note: 'What the solver writes before it commits itself. Beyond a limit it costs a little reward.',
          span: [0, 4],
        },
      },
    ],
  },
  finishReason: {
    key: 'solver_finish_reasons',
    take: ({ completion }: AnswerGiven) => completion.finishReason,
  },
} satisfies Fields<AnswerGiven>

export type AnswerValues = FieldValues<typeof answerFields>
