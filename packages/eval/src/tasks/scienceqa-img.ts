/**
 * ScienceQA, the questions with an image: multiple choice with 2 to 5 options.
 *
 * Pitfalls: only the bare letter, or a capital letter and a full stop at the start, counts: "(B)", "B)", "B: text",
 * "b." and the option's text are wrong. Scores are fractions.
 */
import { strip } from '@evolmm/internal'
import type { DataRow } from '@evolmm/dataset'
import { letterOf } from '@evolmm/rewards'
import { meanOf } from '../scoring/averages'
import { indexColumn, optionalText, textColumn, choicesColumn } from '../scoring/columns'
import { optionLines } from '../scoring/option-lines'
import type { Task } from '../task'
import { taskPrompt } from './task-prompt'

const target = (row: DataRow) => letterOf(indexColumn(row, 'answer'))

export const scienceqaImg: Task = {
  name: 'scienceqa_img',
  version: 1,
  source: {
    dataset: 'lmms-lab/ScienceQA',
    config: 'ScienceQA-IMG',
    split: 'test',
    files: 'ScienceQA-IMG/test-*.parquet',
  },
  columns: ['question', 'choices', 'answer', 'hint', 'image'],
  generation: { maxNewTokens: 16 },
  prompt: (row) => {
    const hint = optionalText(row, 'hint')
    const lines = [
      ...(hint === undefined ? [] : [`Context: ${hint}`]),
      textColumn(row, 'question'),
      optionLines(choicesColumn(row, 'choices')),
      "Answer with the option's letter from the given choices directly.",
    ]
    return taskPrompt(lines.join('\n'), row, ['image'])
  },
  target,
  score: (row, answer) => {
    const prediction = strip(answer)
    const letter = (/^(\p{Uppercase})\./u.exec(prediction)?.[1] ?? prediction).toLowerCase()
    return {
      values: { exact_match: letter === target(row).toLowerCase() ? 1 : 0 },
      parsed: letter || null,
    }
  },
  aggregate: (scores) => ({ exact_match: meanOf(scores, 'exact_match') }),
  higherIsBetter: { exact_match: true },
  means: ['exact_match'],
}
