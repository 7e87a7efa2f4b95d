/**
 * AI2D: multiple choice about school diagrams.
 *
 * Pitfalls: only a bare letter, decorated by ASCII punctuation at most, or "B." at the very start counts. "B) text",
 * "b. text", "Answer: B", the option's text and full-width letters are wrong; "A.B" is A. The right answer is stored as
 * an index from 0, as text. Scores are fractions.
 */
import { isSpace, strip } from '@evolmm/internal'
import type { DataRow } from '@evolmm/dataset'
import { letterOf } from '@evolmm/rewards'
import { meanOf } from '../scoring/averages'
import { indexColumn, textColumn, choicesColumn } from '../scoring/columns'
import { optionLines } from '../scoring/option-lines'
import type { Task } from '../task'
import { taskPrompt } from './task-prompt'

const target = (row: DataRow) => letterOf(indexColumn(row, 'answer'))

export const ai2d: Task = {
  name: 'ai2d',
  version: 1,
  source: { dataset: 'lmms-lab/ai2d', config: 'default', split: 'test', files: 'data/test-*.parquet' },
  columns: ['question', 'options', 'answer', 'image'],
  generation: { maxNewTokens: 16 },
  filter: 'flexible-extract',
  prompt: (row) => {
    const lines = [textColumn(row, 'question'), optionLines(choicesColumn(row, 'options'))]
    return taskPrompt(
      `${lines.join('\n')}\nAnswer with the option's letter from the given choices directly.`,
      row,
      ['image'],
    )
  },
  target,
  score: (row, answer) => {
    const filtered = leadingLetter(answer) ?? answer
    const parsed = strip(filtered)
      .toLowerCase()
      .replace(/[!-/:-@[-`{-~]/g, '')
    return {
      values: { exact_match: parsed === target(row).toLowerCase() ? 1 : 0 },
      parsed: parsed || null,
      details: { filtered },
    }
  },
  aggregate: (scores) => ({ exact_match: meanOf(scores, 'exact_match') }),
  higherIsBetter: { exact_match: true },
  means: ['exact_match'],
}

/** The "B" of "B. text". */
function leadingLetter(answer: string): string | undefined {
  let start = 0
  while (start < answer.length && isSpace(answer, start)) start++
  return /^[A-Z]\./.test(answer.slice(start, start + 2)) ? answer[start] : undefined
}
