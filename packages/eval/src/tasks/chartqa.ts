/**
 * ChartQA: one-word answers about charts, numbers within 5 %.
 *
 * Pitfalls: years are numbers, so 2015 passes for 2016. "5,000" does not match "5000", "$12" not "12", "Yes." not
 * "Yes", "0.0" not "0", "25%" matches "0.25" and not "25". A chain of thought is cut at 16 tokens and a full sentence
 * is always wrong. Scores are fractions.
 */
import { strip } from '@evolmm/internal'
import { relaxedMatch } from '@evolmm/rewards'
import { meanOf } from '../scoring/averages'
import { textColumn } from '../scoring/columns'
import type { Task } from '../task'
import { taskPrompt } from './task-prompt'

const metrics = ['relaxed_overall', 'relaxed_human_split', 'relaxed_augmented_split']

export const chartqa: Task = {
  name: 'chartqa',
  version: 1,
  source: { dataset: 'lmms-lab/ChartQA', config: 'default', split: 'test', files: 'data/test-*.parquet' },
  columns: ['type', 'question', 'answer', 'image'],
  generation: { maxNewTokens: 16 },
  prompt: (row) =>
    taskPrompt(`${textColumn(row, 'question')}\nAnswer the question with a single word.`, row, ['image']),
  target: (row) => textColumn(row, 'answer'),
  score: (row, answer) => {
    const prediction = strip(answer)
    const hit = relaxedMatch(prediction, textColumn(row, 'answer')) ? 1 : 0
    const human = textColumn(row, 'type') === 'human_test'
    return {
      values: { relaxed_overall: hit, [human ? 'relaxed_human_split' : 'relaxed_augmented_split']: hit },
      parsed: prediction.toLowerCase() || null,
    }
  },
  aggregate: (scores) => Object.fromEntries(metrics.map((metric) => [metric, meanOf(scores, metric)])),
  higherIsBetter: Object.fromEntries(metrics.map((metric) => [metric, true])),
  means: metrics,
}
