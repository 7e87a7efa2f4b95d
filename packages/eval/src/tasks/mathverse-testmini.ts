/**
 * MathVerse, testmini: 788 problems of plane geometry, solid geometry and functions in five versions that move text
 * into the figure.
 *
 * A judge grades every answer 0 or 1. Without one `compat` counts every row as wrong, as lmms-eval silently does, and
 * marks it as a fallback; `fixed` leaves it unscored; `rule-based` compares by rules (`rule_based_eval`, ours, not
 * comparable) and adds VLMEvalKit's exact match (`vlmevalkit_eval`).
 *
 * Pitfalls: `compat` takes any "1" in the judge's reply for a yes ("10", "0 (not 11)"); `fixed` wants exactly 0 or 1.
 * The judge's instruction is ours, so verdicts may differ from lmms-eval's on single rows. Scores are fractions.
 */
import { strip } from '@evolmm/internal'
import type { DataRow } from '@evolmm/dataset'
import { inferOption, mathEqual } from '@evolmm/rewards'
import { askJudge } from '../scoring/ask-judge'
import { groupsBy, meanOf } from '../scoring/averages'
import { optionalText, structColumn, textColumn } from '../scoring/columns'
import { judgeVerdict } from '../scoring/judge-verdict'
import { mathVisionAnswer } from '../scoring/mathvision-answer'
import type { Score, ScoringContext, Task } from '../task'
import { taskPrompt } from './task-prompt'

const metrics = ['gpt_eval_score', 'rule_based_eval', 'vlmevalkit_eval']

const instruction = [
  'You grade answers strictly. You get a question, the right answer and a response.',
  'Find the final answer in the response, whatever reasoning stands around it.',
  'It is right if it means the same as the right answer: format, case and wording do not matter, a choice may be named by its letter or by its content, numbers must agree within reasonable precision, and units must agree.',
  'Reply with 1 if it is right and with 0 if it is not, and with nothing else.',
].join('\n')

export const mathverseTestmini: Task = {
  name: 'mathverse_testmini',
  version: 1,
  source: {
    dataset: 'CaraJ/MathVerse-lmmseval',
    config: 'testmini',
    split: 'testmini',
    files: 'testmini/testmini-*.parquet',
  },
  columns: [
    ...['sample_index', 'problem_version', 'image', 'answer', 'question_type', 'metadata', 'query_wo'],
    'question_for_eval',
  ],
  generation: { maxNewTokens: 16384, until: ['</s>', 'Q:', '<|im_end|>'] },
  judge: 'always',
  prompt: (row) => taskPrompt(strip(textColumn(row, 'query_wo')), row, ['image']),
  target: (row) => optionalText(row, 'answer') ?? '',
  score: async (row, answer, context) => {
    const score = await scoreAnswer(row, strip(answer), context)
    const { subject, subfield } = structColumn(row, 'metadata') as Record<string, string | undefined>
    const version = optionalText(row, 'problem_version')
    return { ...score, details: { ...score.details, version, subject, subfield } }
  },
  aggregate: (scores) =>
    Object.fromEntries(
      metrics
        .filter((metric) => scores.some((score) => Object.hasOwn(score.values, metric)))
        .map((metric) => [metric, meanOf(scores, metric)]),
    ),
  breakdown: (scores) => {
    const metric =
      metrics.find((name) => scores.some((score) => Object.hasOwn(score.values, name))) ?? metrics[0]
    return Object.fromEntries(
      ['version', 'subject', 'subfield'].map((axis) => [axis, groupsBy(scores, axis, { metric })]),
    )
  },
  higherIsBetter: Object.fromEntries(metrics.map((metric) => [metric, true])),
  means: metrics,
}

async function scoreAnswer(row: DataRow, answer: string, context: ScoringContext): Promise<Score> {
  const { mode } = context
  const gold = (row.answer ?? null) === null ? undefined : textColumn(row, 'answer')
  if (mode === 'rule-based') {
    const { right, parsed } = byRules(row, answer, gold ?? '')
    return {
      values: { rule_based_eval: right ? 1 : 0, vlmevalkit_eval: answer === strip(gold ?? '') ? 1 : 0 },
      fallback: parsed === undefined,
      parsed: parsed ?? null,
    }
  }
  const reply = gold === undefined ? undefined : await askJudge(context, verdictRequest(row, gold, answer))
  const verdict = reply === undefined ? undefined : judgeVerdict(reply, { strict: mode === 'fixed' })
  const undecided = mode === 'fixed' ? null : 0
  return {
    values: { gpt_eval_score: verdict === undefined ? undecided : verdict ? 1 : 0 },
    fallback: verdict === undefined,
    parsed: mathVisionAnswer(answer, mode) || null,
    details: { judge_reply: reply },
  }
}

function verdictRequest(row: DataRow, gold: string, answer: string) {
  return {
    system: instruction,
    user: `Question:\n${questionOf(row)}\n\nRight answer: ${gold}\n\nResponse:\n${answer}`,
    maxTokens: 1024,
  }
}

function questionOf(row: DataRow): string {
  return optionalText(row, 'question_for_eval') ?? optionalText(row, 'query_wo') ?? ''
}

/** The option that the answer names where there are "A:…" lines, else equality of values. */
function byRules(row: DataRow, answer: string, gold: string): { right: boolean; parsed: string | undefined } {
  const text = questionOf(row)
  const options = new Map(
    Array.from(text.matchAll(/^([A-H]):(.*)$/gm), ([, letter, option]) => [letter, strip(option)]),
  )
  if (options.size > 1) {
    const letter = inferOption(answer, options)
    return { right: letter !== undefined && letter === gold, parsed: letter }
  }
  const parsed = withoutUnit(mathVisionAnswer(answer, 'rule-based'))
  return {
    right: mathEqual(withoutUnit(mathVisionAnswer(gold, 'rule-based')), parsed),
    parsed: parsed || undefined,
  }
}

/** The text loses a trailing degree or length, and gets "√3" in LaTeX. */
function withoutUnit(text: string): string {
  return text
    .replace(/√\(?([\w.]+)\)?/g, '\\sqrt{$1}')
    .replace(/(?<=[\d})])(?:degrees?|cm|mm|m|feet|ft|inches|in)(?:\^\{?[23]\}?|[²³])?$/, '')
}
