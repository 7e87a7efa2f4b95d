/**
 * MathVision (MATH-V): competition mathematics with figures, scored by rules: `mathvision_test` has 3040 rows,
 * `mathvision_testmini` 304 of them.
 *
 * Pitfalls: in `compat` nested boxes are destroyed before scoring, so `\boxed{\frac{1}{2}}` is wrong. Of several boxes
 * the first counts. "**8**", "Final answer: 8", "C. 18", `\boxed{\mathrm{D}}`, "36 cm^2" and "2{,}500" are not read;
 * numbers are equal to two decimals (24.004 = 24, 10^{-3} = 0). "60°" and "24%" are not 60 and 24 in `compat`; the other
 * modes leave such marks out, of the right answer too. `<image1>` stays in the text. Scores are percentages
 * with two decimals. In mode `rule-based` `vlmevalkit_eval` is the verdict of VLMEvalKit's rules without a judge.
 */
import { strip } from '@evolmm/internal'
import { lettered, mathEqual } from '@evolmm/rewards'
import { groupsBy, meanOf, percent } from '../scoring/averages'
import { optionalText, textColumn, textsColumn } from '../scoring/columns'
import { mathVisionAnswer, withoutMarks } from '../scoring/mathvision-answer'
import { mathVisionPrefetch } from '../scoring/mathvision-prefetch'
import { optionLines } from '../scoring/option-lines'
import type { Task } from '../task'
import { taskPrompt } from './task-prompt'

export const mathvisionTest = mathVision('test')
export const mathvisionTestmini = mathVision('testmini')

function mathVision(split: 'test' | 'testmini'): Task {
  const metric = 'mathvision_standard_eval'
  return {
    name: `mathvision_${split}`,
    version: 1,
    source: { dataset: 'MathLLMs/MathVision', config: 'default', split, files: `data/${split}-*.parquet` },
    columns: ['id', 'question', 'options', 'answer', 'level', 'subject', 'decoded_image'],
    generation: { maxNewTokens: 16384 },
    prompt: (row) => {
      const options = textsColumn(row, 'options')
      const choices =
        options.length === 0
          ? ''
          : `\nChoices: ${optionLines(options)}\nAnswer the question with the option's letter from the given choices directly.`
      const text = `Please solve the problem step by step and put your answer in one "\\boxed{}".${textColumn(row, 'question')}${choices}`
      return taskPrompt(text, row, ['decoded_image'])
    },
    target: (row) => textColumn(row, 'answer'),
    score: (row, answer, { mode }) => {
      const [gold, options] = [textColumn(row, 'answer'), textsColumn(row, 'options')]
      const prediction = strip(answer)
      const parsed = mathVisionAnswer(prediction, mode)
      const golds = [gold, lettered(options).get(gold) ?? '']
      const readings = [parsed]
      if (mode !== 'compat') {
        golds.push(...golds.map(withoutMarks))
        // What is right as lmms-eval reads it stays right: without its mark "45/0%" is another spelling of no number.
        readings.push(mathVisionAnswer(prediction, 'compat'))
      }
      const prefetched = mathVisionPrefetch(prediction, { options, answer: gold })
      return {
        values: {
          [metric]: golds.some((right) => readings.some((read) => mathEqual(right, read))) ? 1 : 0,
          ...(mode === 'rule-based' && {
            vlmevalkit_eval:
              prefetched !== undefined && (options.length === 0 || prefetched === gold) ? 1 : 0,
          }),
        },
        parsed: parsed || null,
        details: {
          subject: optionalText(row, 'subject'),
          level: typeof row.level === 'number' ? row.level : undefined,
        },
      }
    },
    aggregate: (scores) => ({
      [metric]: percent(meanOf(scores, metric)),
      ...(scores.some((score) => 'vlmevalkit_eval' in score.values) && {
        vlmevalkit_eval: percent(meanOf(scores, 'vlmevalkit_eval')),
      }),
    }),
    breakdown: (scores) => ({
      subject: groupsBy(scores, 'subject', { metric, scale: percent }),
      level: groupsBy(scores, 'level', { metric, scale: percent }),
    }),
    higherIsBetter: { [metric]: true, vlmevalkit_eval: true },
  }
}
