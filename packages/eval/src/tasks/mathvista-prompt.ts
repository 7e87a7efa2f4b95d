/**
 * MathVista's prompt, rebuilt from the fields of a row: zero-shot, in the three variants of lmms-eval. The dataset's own
 * `query` column is shown to the judge alone.
 */
import { strip } from '@evolmm/internal'
import type { DataRow } from '@evolmm/dataset'
import { letterOf } from '@evolmm/rewards'
import { optionalText, textColumn, textsColumn } from '../scoring/columns'
import { optionLines } from '../scoring/option-lines'

export type Shot = 'step-by-step' | 'solution' | 'format-prompt'

export function mathVistaPrompt(row: DataRow, shot: Shot): string {
  const format = shot === 'format-prompt'
  const unit = optionalText(row, 'unit')
  const choices = textsColumn(row, 'choices')
  const question = `${textColumn(row, 'question')}${unit === undefined ? '' : ` (Unit: ${unit})`}`
  const lines = [format ? question : `Question: ${question}`]
  if (choices.length > 0 && format) lines.push(optionLines(choices))
  if (choices.length > 0 && !format)
    lines.push('Choices:', ...choices.map((choice, index) => `(${letterOf(index)}) ${choice}`))
  lines.push(format ? formatSentence(row) : hint(row))
  if (shot === 'solution') lines.push('Solution:')
  return strip(lines.join('\n'))
}

/** The kind of answer that the row wants; 'text' where the dataset names no other. */
function kindOf(row: DataRow): 'choice' | 'integer' | 'one' | 'two' | 'list' | 'text' {
  if (textColumn(row, 'question_type') === 'multi_choice') return 'choice'
  const type = textColumn(row, 'answer_type')
  if (type === 'float') return Number(row.precision) === 2 ? 'two' : 'one'
  return type === 'integer' || type === 'list' ? type : 'text'
}

function hint(row: DataRow): string {
  const wanted = {
    choice: ' and provide the correct option letter, e.g., A, B, C, D,',
    integer: ' requiring an integer answer and provide the final value, e.g., 1, 2, 3,',
    one: ' requiring a floating-point number with one decimal place and provide the final value, e.g., 1.2, 1.3, 1.4,',
    two: ' requiring a floating-point number with two decimal places and provide the final value, e.g., 1.23, 1.34, 1.45,',
    list: ' requiring a Python list as an answer and provide the final list, e.g., [1, 2, 3], [1.2, 1.3, 1.4],',
    text: ' and provide the final answer',
  }
  return `Hint: Please answer the question${wanted[kindOf(row)]} at the end.`
}

function formatSentence(row: DataRow): string {
  return {
    choice: "Answer with the option's letter from the given choices directly.",
    integer: 'Answer the question using a single integer number.',
    one: 'Answer the question using a single floating-point number with one decimal place.',
    two: 'Answer the question using a single floating-point number with two decimal places.',
    list: 'Answer the question using a Python list.',
    text: 'Answer the question using a single word or phrase.',
  }[kindOf(row)]
}
