/**
 * MMStar: 1500 multiple-choice questions that need the image, 250 in each of six categories. The options are part of
 * the question.
 *
 * Pitfalls: only the first character of an answer counts, so "Because" is B and "Do not know" is D, while "**B**", "[D]"
 * and "So the answer is B" are wrong. "average" is the mean over 18 subcategories of unequal size, not the accuracy.
 * No limit of tokens is set for this task, so the model's own (32768) holds. Scores are fractions. What M-STaR calls
 * MMStar-R is not defined in public; the likely categories (instance reasoning, logical reasoning, science &
 * technology, math) are reported one by one.
 */
import { strip } from '@evolmm/internal'
import { groupsBy, wholeMean } from '../scoring/averages'
import { textColumn } from '../scoring/columns'
import { matchesMmstar } from '../scoring/mmstar-match'
import type { Score, Task } from '../task'
import { taskPrompt } from './task-prompt'

export const mmstar: Task = {
  name: 'mmstar',
  version: 1,
  source: { dataset: 'Lin-Chen/MMStar', config: 'default', split: 'val', files: 'mmstar.parquet' },
  columns: ['index', 'question', 'answer', 'category', 'l2_category', 'image'],
  generation: { maxNewTokens: 32768 },
  prompt: (row) => {
    const question = strip(textColumn(row, 'question')).replaceAll(' Please answer yes or no.', '')
    return taskPrompt(`${question}\nAnswer with the option's letter from the given choices directly`, row, [
      'image',
    ])
  },
  target: (row) => textColumn(row, 'answer'),
  score: (row, answer) => {
    const prediction = strip(answer)
    return {
      values: { score: matchesMmstar(prediction, textColumn(row, 'answer')) ? 1 : 0 },
      parsed: prediction.toLowerCase() || null,
      details: { category: textColumn(row, 'category'), l2_category: textColumn(row, 'l2_category') },
    }
  },
  aggregate: (scores) => {
    const categories = [...new Set(scores.map((score) => score.details?.category as string))].sort()
    return {
      average: meanOfSubcategories(scores),
      ...Object.fromEntries(
        categories.map((category) => [
          category,
          meanOfSubcategories(scores.filter((score) => score.details?.category === category)),
        ]),
      ),
    }
  },
  breakdown: (scores) => ({ l2_category: groupsBy(scores, 'l2_category', { metric: 'score' }) }),
  higherIsBetter: {
    average: true,
    'coarse perception': true,
    'fine-grained perception': true,
    'instance reasoning': true,
    'logical reasoning': true,
    math: true,
    'science & technology': true,
  },
}

function meanOfSubcategories(scores: readonly Score[]): number | null {
  return wholeMean(
    Object.values(groupsBy(scores, 'l2_category', { metric: 'score' })).map((group) => group.accuracy),
  )
}
