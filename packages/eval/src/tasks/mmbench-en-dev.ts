/**
 * MMBench, English dev: multiple choice, each question asked once per rotation of its options; right only if every
 * rotation is.
 *
 * Rows of one question agree in their index modulo 1,000,000. Answers that the matching rules do not read go to a judge
 * (up to three times), then to a drawn letter. Without a judge `compat` draws at once and marks the row as a fallback;
 * `fixed` leaves it unscored; `rule-based` uses VLMEvalKit's exact matching, unread answers being wrong
 * (`rule_based_eval`).
 *
 * Pitfalls: with a limit on rows not all rotations are seen and the score is too high. Missing options are stored as
 * "nan", and in `compat` and `fixed` take part in the matching: "banana" is ambiguous. "I do not know" names "No".
 * `gpt_eval_score` is a percentage, categories are fractions. What M-STaR calls MMBench-R is not defined in public; the L2
 * groups of reasoning are in the breakdown.
 */
import { strip } from '@evolmm/internal'
import type { DataRow } from '@evolmm/dataset'
import { inferOption } from '@evolmm/rewards'
import { askJudge } from '../scoring/ask-judge'
import { groupsBy, wholeMean } from '../scoring/averages'
import { indexColumn, optionalText, plainColumn, textColumn } from '../scoring/columns'
import { drawLetter } from '../scoring/draw-letter'
import { matchMmbench } from '../scoring/mmbench-match'
import type { Score, ScoringContext, Task } from '../task'
import { taskPrompt } from './task-prompt'

const letters = ['A', 'B', 'C', 'D']
const questions = 1_000_000
const metrics = ['gpt_eval_score', 'rule_based_eval']

export const mmbenchEnDev: Task = {
  name: 'mmbench_en_dev',
  version: 1,
  source: { dataset: 'lmms-lab/MMBench', config: 'en', split: 'dev', files: 'en/dev-*.parquet' },
  columns: ['index', 'question', 'hint', 'answer', ...letters, 'category', 'image', 'L2-category'],
  generation: { maxNewTokens: 1024, until: ['ASSISTANT:'] },
  judge: 'unmatched',
  prompt: (row) => {
    const hint = presentText(row, 'hint')
    const options = [...presentOptions(row)].map(([letter, text]) => `${letter}. ${text}`)
    const lines = [
      `${hint === undefined ? '' : `${hint} `}${textColumn(row, 'question')} There are several options:`,
      ...options,
      '',
      "Answer with the option's letter from the given choices directly.",
    ]
    return taskPrompt(lines.join('\n'), row, ['image'])
  },
  target: (row) => textColumn(row, 'answer'),
  score: async (row, answer, context) => {
    const read = await readLetter(row, strip(answer), context)
    const hit = read.letter === textColumn(row, 'answer') ? 1 : 0
    return {
      values: {
        [context.mode === 'rule-based' ? 'rule_based_eval' : 'gpt_eval_score']: read.open ? null : hit,
      },
      fallback: read.fallback,
      parsed: read.letter ?? null,
      details: {
        index: indexColumn(row, 'index'),
        category: optionalText(row, 'category'),
        l2_category: optionalText(row, 'L2-category'),
        judge_reply: read.reply,
      },
    }
  },
  aggregate: (scores) => {
    const rows = questionScores(scores)
    return Object.fromEntries(
      metrics
        .filter((metric) => scores.some((score) => Object.hasOwn(score.values, metric)))
        .map((metric) => {
          const share = wholeMean(rows.map((row) => row.values[metric] ?? null))
          return [metric, share === null ? null : share * 100]
        }),
    )
  },
  breakdown: (scores) => {
    const rows = questionScores(scores)
    const metric = metrics.find((name) => rows.some((row) => Object.hasOwn(row.values, name))) ?? metrics[0]
    return {
      category: groupsBy(rows, 'category', { metric }),
      l2_category: groupsBy(rows, 'l2_category', { metric }),
    }
  },
  higherIsBetter: { gpt_eval_score: true, rule_based_eval: true },
}

interface Reading {
  letter: string | undefined
  fallback: boolean
  /** Nobody read the answer: it is neither right nor wrong. */
  open?: boolean
  reply?: string | undefined
}

async function readLetter(row: DataRow, answer: string, context: ScoringContext): Promise<Reading> {
  const { mode, judge, fallback, seed = 0 } = context
  if (mode === 'rule-based') {
    const letter = inferOption(answer, presentOptions(row))
    return { letter, fallback: letter === undefined }
  }
  const stored = new Map(letters.map((letter) => [letter, optionalText(row, letter) ?? 'nan']))
  const matched = matchMmbench(answer, stored)
  if (matched !== undefined) return { letter: matched, fallback: false }
  let reply: string | undefined
  for (let attempt = 0; judge !== undefined && attempt < 3; attempt++) {
    reply = await askJudge(context, { user: matchingPrompt(row, answer), maxTokens: 128, attempt })
    const letter = reply === undefined ? undefined : matchMmbench(strip(reply), stored)
    if (letter !== undefined) return { letter, fallback: false, reply }
  }
  if (mode === 'fixed' && reply === undefined) return { letter: undefined, fallback: true, open: true }
  const letter =
    fallback === 'wrong' ? undefined : drawLetter([...letters, 'E'], seed, plainColumn(row, 'index'))
  return { letter, fallback: true, reply }
}

/** The prompt is in our own words: the answer is matched with the option that means the same, "E" where none does. */
function matchingPrompt(row: DataRow, answer: string): string {
  const options = [...presentOptions(row)].map(([letter, text]) => `${letter}. ${text}`)
  return [
    'Match the answer to a multiple-choice question with the option that is closest in meaning. Reply with the letter of that option alone. If no option is close, or the answer names several, reply E.',
    'Question: What is the main object?\nOptions:\nA. teddy bear\nB. rabbit\nAnswer: a cute stuffed bear\nLetter: A',
    'Question: What is the main object?\nOptions:\nA. teddy bear\nB. rabbit\nAnswer: a spider\nLetter: E',
    `Question: ${textColumn(row, 'question')}\nOptions:\n${options.join('\n')}\nAnswer: ${answer}\nLetter:`,
  ].join('\n\n')
}

/** One score per question: 0 with any wrong rotation, else undecided with any undecided one. */
function questionScores(scores: readonly Score[]): Score[] {
  const rotations = new Map<number, Score[]>()
  for (const score of scores) {
    const question = Number(score.details?.index) % questions
    rotations.set(question, [...(rotations.get(question) ?? []), score])
  }
  return scores
    .filter((score) => Number(score.details?.index) < questions)
    .map((score) => {
      const all = rotations.get(Number(score.details?.index)) ?? []
      return {
        ...score,
        values: Object.fromEntries(
          Object.keys(score.values).map((metric) => [
            metric,
            worst(all.map((one) => one.values[metric] ?? null)),
          ]),
        ),
      }
    })
}

function worst(values: readonly (number | null)[]): number | null {
  if (values.includes(0)) return 0
  return values.includes(null) ? null : 1
}

function presentOptions(row: DataRow): Map<string, string> {
  return new Map(
    letters.flatMap((letter) => {
      const text = presentText(row, letter)
      return text === undefined ? [] : [[letter, text] as const]
    }),
  )
}

/** What is missing is stored as "nan". */
function presentText(row: DataRow, column: string): string | undefined {
  const text = optionalText(row, column)
  return text === 'nan' ? undefined : text
}
