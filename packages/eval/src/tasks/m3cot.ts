/**
 * M3CoT: multiple choice that takes several steps of reasoning, in science, commonsense and mathematics. Not part of
 * lmms-eval; scored by the benchmark's official metric.
 *
 * Pitfalls: no prompt is fixed anywhere; this one is ours (the official fields, and a closing sentence that the metric
 * reads), so numbers of other harnesses differ. Where several options are mentioned, the one later in the list wins,
 * and option "2" is found inside "12": end with "(X)". `\boxed{B}` and "**B**" name nothing. Scores are fractions.
 */
import { strip } from '@evolmm/internal'
import type { DataRow } from '@evolmm/dataset'
import { letterOf } from '@evolmm/rewards'
import { groupsBy, meanOf } from '../scoring/averages'
import { optionalText, plainColumn, textColumn, choicesColumn } from '../scoring/columns'
import { matchM3cot } from '../scoring/m3cot-match'
import type { Task } from '../task'
import { taskPrompt } from './task-prompt'

export const m3cot: Task = {
  name: 'm3cot',
  version: 1,
  source: { dataset: 'LightChen2333/M3CoT', config: 'default', split: 'test', files: 'data/test-*.parquet' },
  columns: ['id', 'question', 'choices', 'context', 'answer', 'domain', 'topic', 'image'],
  generation: { maxNewTokens: 1024 },
  prompt: (row) => {
    const context = optionalText(row, 'context')
    const choices = choicesColumn(row, 'choices').map((choice, index) => `(${letterOf(index)}) ${choice}`)
    const lines = [
      ...(context === undefined ? [] : ['[Context]', context]),
      ...['[Question]', textColumn(row, 'question')],
      ...['[Choices]', ...choices],
      'Think step by step, then end with "The answer is (X)", where X is the letter of the right choice.',
    ]
    return taskPrompt(lines.join('\n'), row, ['image'])
  },
  target,
  score: (row, answer) => {
    const letter = matchM3cot(strip(answer), choicesColumn(row, 'choices'))
    return {
      values: { accuracy: letter === target(row) ? 1 : 0 },
      fallback: letter === undefined,
      parsed: letter ?? null,
      details: { domain: optionalText(row, 'domain'), topic: optionalText(row, 'topic') },
    }
  },
  aggregate: (scores) => ({ accuracy: meanOf(scores, 'accuracy') }),
  breakdown: (scores) => ({
    domain: groupsBy(scores, 'domain', { metric: 'accuracy' }),
    topic: groupsBy(scores, 'topic', { metric: 'accuracy' }),
  }),
  higherIsBetter: { accuracy: true },
  means: ['accuracy'],
}

/** The answer is a letter, or an index. */
function target(row: DataRow): string {
  const answer = plainColumn(row, 'answer')
  return /^\d+$/.test(answer) ? letterOf(Number(answer)) : answer
}
