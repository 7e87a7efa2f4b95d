/**
 * MathVista, testmini: 1000 questions of mathematics in visual contexts. lmms-eval's `mathvista_testmini` is three
 * tasks that differ in the prompt: `_cot`, `_solution` and `_format`, each with a score of its own.
 *
 * A judge reads the answer out of the response where the shortcuts do not: "7" needs none for an integer, "C" and "The
 * number is 14." do. Without a judge `compat` takes the choice with the shortest text, as lmms-eval silently does, and
 * marks the row as a fallback; `fixed` leaves it unscored; `rule-based` reads letters, option texts and last numbers
 * itself (`rule_based_eval`, not lmms-eval's number) and adds VLMEvalKit's verdict (`vlmevalkit_eval`).
 *
 * Pitfalls: in `compat` every question with a float answer is wrong (some 40 rows), and an accuracy of 0 is reported as
 * null. An empty answer is the choice with the shortest text. Integers are truncated: 7.9 is right for 7. Lists must
 * match to the space. Scores are percentages with two decimals.
 */
import { parseIntText, strip } from '@evolmm/internal'
import type { DataRow } from '@evolmm/dataset'
import { askJudge } from '../scoring/ask-judge'
import { groupsBy, meanOf, percent } from '../scoring/averages'
import { optionalText, structColumn, textColumn, textsColumn } from '../scoring/columns'
import {
  extractMathVista,
  matchesMathVista,
  normalizeMathVista,
  ruleBasedMathVista,
  vlmEvalKitMathVista,
  type MathVistaRow,
} from '../scoring/mathvista-answer'
import type { Score, ScoringContext, ScoringMode, Task } from '../task'
import { mathVistaExtractionPrompt } from './mathvista-extraction'
import { mathVistaPrompt, type Shot } from './mathvista-prompt'
import { taskPrompt } from './task-prompt'

/** The five columns that M-STaR reports. */
const taskNames: ReadonlyMap<string, string> = new Map([
  ['figure question answering', 'FQA'],
  ['geometry problem solving', 'GPS'],
  ['math word problem', 'MWP'],
  ['textbook question answering', 'TQA'],
  ['visual question answering', 'VQA'],
])

const axes = [
  'task',
  'question_type',
  'answer_type',
  'language',
  'source',
  'category',
  'context',
  'grade',
  'skills',
]
const metrics = ['llm_as_judge_eval', 'rule_based_eval', 'vlmevalkit_eval']

export const mathvistaTestminiCot = mathVista('cot', 'step-by-step')
export const mathvistaTestminiSolution = mathVista('solution', 'solution')
export const mathvistaTestminiFormat = mathVista('format', 'format-prompt')

function mathVista(variant: string, shot: Shot): Task {
  return {
    name: `mathvista_testmini_${variant}`,
    version: 1,
    source: {
      dataset: 'AI4Math/MathVista',
      config: 'default',
      split: 'testmini',
      files: 'data/testmini-*.parquet',
    },
    columns: [
      ...['pid', 'question', 'decoded_image', 'choices', 'unit', 'precision', 'answer', 'question_type'],
      ...['answer_type', 'metadata', 'query'],
    ],
    generation: { maxNewTokens: 16384 },
    judge: 'unmatched',
    prompt: (row) => taskPrompt(mathVistaPrompt(row, shot), row, ['decoded_image']),
    target: (row) => textColumn(row, 'answer'),
    score: (row, answer, context) => scoreAnswer(row, strip(answer), context),
    aggregate: (scores, { mode } = { mode: 'fixed' }) =>
      Object.fromEntries(
        metrics
          .filter((metric) => scores.some((score) => Object.hasOwn(score.values, metric)))
          .map((metric) => {
            const accuracy = percent(meanOf(scores, metric))
            return [metric, mode === 'compat' && accuracy === 0 ? null : accuracy]
          }),
      ),
    breakdown: (scores) => {
      const metric =
        metrics.find((name) => scores.some((score) => Object.hasOwn(score.values, name))) ?? metrics[0]
      return Object.fromEntries(
        axes.map((axis) => [axis, groupsBy(scores, axis, { metric, scale: percent })]),
      )
    },
    higherIsBetter: Object.fromEntries(metrics.map((metric) => [metric, true])),
  }
}

async function scoreAnswer(row: DataRow, answer: string, context: ScoringContext): Promise<Score> {
  const { mode } = context
  const read = readRow(row, mode)
  const details = factsOf(row)
  if (mode === 'rule-based') {
    const parsed = ruleBasedMathVista(answer, read)
    return {
      values: {
        rule_based_eval: matchesMathVista(parsed, read) ? 1 : 0,
        vlmevalkit_eval: vlmEvalKitMathVista(answer, read) ? 1 : 0,
      },
      fallback: parsed === undefined,
      parsed: parsed ?? null,
      details,
    }
  }
  const shortcut = extractMathVista(answer, read)
  const reply =
    shortcut === undefined
      ? await askJudge(context, {
          user: mathVistaExtractionPrompt(optionalText(row, 'query') ?? textColumn(row, 'question'), answer),
          maxTokens: 256,
        })
      : undefined
  const extraction = shortcut ?? reply
  if (extraction === undefined && mode === 'fixed')
    return { values: { llm_as_judge_eval: null }, fallback: true, parsed: null, details }
  const normalized = normalizeMathVista(extraction ?? '', read)
  return {
    values: { llm_as_judge_eval: matchesMathVista(normalized, read) ? 1 : 0 },
    // What is chosen for no text at all is not the model's answer.
    fallback: (extraction ?? '') === '' && read.multiChoice,
    parsed: normalized ?? null,
    details: { ...details, extraction: extraction ?? '', judge_reply: reply },
  }
}

function readRow(row: DataRow, mode: ScoringMode): MathVistaRow {
  return {
    choices: textsColumn(row, 'choices'),
    multiChoice: textColumn(row, 'question_type') === 'multi_choice',
    answerType: textColumn(row, 'answer_type'),
    precision: precisionOf(row.precision, mode),
    answer: textColumn(row, 'answer'),
  }
}

/** The column is a float64, which Python's `round` refuses as a number of places: `compat` can use none. */
function precisionOf(cell: unknown, mode: ScoringMode): number | undefined {
  if (mode === 'compat' && typeof cell === 'number') return undefined
  const places = typeof cell === 'string' ? Number(parseIntText(cell) ?? NaN) : Number(cell ?? NaN)
  return places >= 0 && places <= 20 ? Math.trunc(places) : undefined
}

function factsOf(row: DataRow) {
  const metadata = structColumn(row, 'metadata')
  const task = optionalText(metadata, 'task')
  return {
    task: task === undefined ? undefined : (taskNames.get(task) ?? task),
    question_type: textColumn(row, 'question_type'),
    answer_type: textColumn(row, 'answer_type'),
    ...Object.fromEntries(
      ['language', 'source', 'category', 'context', 'grade'].map((name) => [
        name,
        optionalText(metadata, name),
      ]),
    ),
    skills: textsColumn(metadata, 'skills'),
  }
}
