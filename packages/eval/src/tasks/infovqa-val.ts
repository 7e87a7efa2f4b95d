/**
 * InfographicVQA, validation: short answers read off infographics, scored by edit distance (ANLS).
 *
 * Pitfalls: a wrong year with three right digits still earns 0.75. Below one half nothing is earned. A sentence around
 * the right answer earns nothing. Answers are cut at 32 tokens. Scores are fractions.
 */
import { strip, words } from '@evolmm/internal'
import { anls } from '@evolmm/rewards'
import { meanOf } from '../scoring/averages'
import { textColumn, choicesColumn } from '../scoring/columns'
import type { Task } from '../task'
import { taskPrompt } from './task-prompt'

export const infovqaVal: Task = {
  name: 'infovqa_val',
  version: 1,
  source: {
    dataset: 'lmms-lab/DocVQA',
    config: 'InfographicVQA',
    split: 'validation',
    files: 'InfographicVQA/validation-*.parquet',
  },
  columns: ['question', 'answers', 'answer_type', 'image'],
  generation: { maxNewTokens: 32 },
  prompt: (row) =>
    taskPrompt(`${textColumn(row, 'question')}\nAnswer the question using a single word or phrase.`, row, [
      'image',
    ]),
  target: (row) => JSON.stringify(choicesColumn(row, 'answers')),
  score: (row, answer) => {
    const prediction = strip(answer)
    return {
      values: { anls: anls(prediction, choicesColumn(row, 'answers')) },
      parsed: words(prediction.toLowerCase()).join(' ') || null,
    }
  },
  aggregate: (scores) => ({ anls: meanOf(scores, 'anls') }),
  higherIsBetter: { anls: true },
  means: ['anls'],
}
