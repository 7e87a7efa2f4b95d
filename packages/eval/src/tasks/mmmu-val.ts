/**
 * MMMU, validation: college questions of 30 subjects, with up to seven images; 850 or so multiple choice, the rest
 * open.
 *
 * Pitfalls: an answer without a recognisable letter gets a drawn one (see `ScoringContext.fallback`), so a model that
 * never follows the format scores near one quarter. In `compat` open questions are always wrong, a bug that costs up to
 * five points. Answers are cut at 16 tokens. A few open questions have a list of answers, stored as its Python
 * spelling: only `rule-based` reads it. The tokens `<image 1>` stay in the text, images come first. Scores are
 * fractions rounded to five decimals.
 */
import { roundPlaces, strip } from '@evolmm/internal'
import type { DataRow } from '@evolmm/dataset'
import { lettered } from '@evolmm/rewards'
import { EvolmmError } from '../errors'
import { groupOf, wholeMean } from '../scoring/averages'
import { optionalText, textColumn } from '../scoring/columns'
import { drawLetter } from '../scoring/draw-letter'
import { parseMmmuChoice } from '../scoring/mmmu-choice'
import { matchesMmmuOpen, parseMmmuOpen } from '../scoring/mmmu-open'
import { optionLines } from '../scoring/option-lines'
import { parseListLiteral } from '../scoring/python-literal'
import type { RowGroup, Score, ScoringContext, Task } from '../task'
import { taskPrompt } from './task-prompt'

const domains: Record<string, string> = {
  'Art and Design': 'Art Art_Theory Design Music',
  Business: 'Accounting Economics Finance Manage Marketing',
  Science: 'Biology Chemistry Geography Math Physics',
  'Health and Medicine':
    'Basic_Medical_Science Clinical_Medicine Diagnostics_and_Laboratory_Medicine Pharmacy Public_Health',
  'Humanities and Social Science': 'History Literature Sociology Psychology',
  'Tech and Engineering':
    'Agriculture Architecture_and_Engineering Computer_Science Electronics Energy_and_Power Materials Mechanical_Engineering',
}

const imageColumns = Array.from({ length: 7 }, (_, index) => `image_${index + 1}`)

export const mmmuVal: Task = {
  name: 'mmmu_val',
  version: 1,
  source: {
    dataset: 'lmms-lab/MMMU',
    config: 'default',
    split: 'validation',
    files: 'data/validation-*.parquet',
  },
  columns: ['id', 'question', 'options', 'answer', 'question_type', ...imageColumns],
  generation: { maxNewTokens: 16 },
  prompt: (row) => {
    const question = textColumn(row, 'question')
    const options = optionsOf(row)
    const text = isOpen(row)
      ? `${question}\n\nAnswer the question using a single word or phrase.`
      : `${question}\n${optionLines(options)}\n\nAnswer with the option's letter from the given choices directly.`
    const mentioned = [question, ...options].join(' ')
    return taskPrompt(
      text,
      row,
      imageColumns.filter((column) => mentioned.includes(`<${column.replace('_', ' ')}>`)),
    )
  },
  target: (row) => textColumn(row, 'answer'),
  score: (row, answer, context) => {
    const details = { subject: subjectOf(row) }
    const score = isOpen(row)
      ? scoreOpen(row, strip(answer), context)
      : scoreChoice(row, strip(answer), context)
    return { ...score, details: { ...details, ...score.details } }
  },
  aggregate: (scores) => {
    const share = wholeMean(scores.map((score) => score.values.mmmu_acc))
    return { mmmu_acc: share === null ? null : roundPlaces(share, 5) }
  },
  breakdown: (scores) => ({ subject: byDomain(scores) }),
  higherIsBetter: { mmmu_acc: true },
}

function scoreChoice(row: DataRow, answer: string, { mode, fallback, seed = 0 }: ScoringContext): Score {
  const options = lettered(optionsOf(row))
  const parsed = parseMmmuChoice(answer, options)
  const draws = (fallback ?? (mode === 'rule-based' ? 'wrong' : 'random')) === 'random'
  const letter =
    parsed ?? (draws ? drawLetter([...options.keys()], seed, optionalText(row, 'id') ?? '') : undefined)
  const gold = textColumn(row, 'answer')
  const accepted = parseListLiteral(gold) ?? [gold]
  return {
    values: { mmmu_acc: letter !== undefined && accepted.includes(letter) ? 1 : 0 },
    fallback: parsed === undefined,
    parsed: letter ?? null,
  }
}

function scoreOpen(row: DataRow, answer: string, { mode }: ScoringContext): Score {
  const gold = textColumn(row, 'answer')
  const accepted = (mode === 'rule-based' ? parseListLiteral(gold) : undefined) ?? [gold]
  const readings = parseMmmuOpen(answer)
  // The shipped code compares the characters of one reading: nothing ever matches.
  const right = mode !== 'compat' && matchesMmmuOpen(readings, accepted)
  return {
    values: { mmmu_acc: right ? 1 : 0 },
    parsed: readings.join(' | ') || null,
    details: { readings: readings.map((reading) => (Number.isFinite(reading) ? reading : String(reading))) },
  }
}

function isOpen(row: DataRow): boolean {
  return textColumn(row, 'question_type') === 'open'
}

/** The column holds the spelling of a Python list. */
function optionsOf(row: DataRow): string[] {
  const literal = textColumn(row, 'options')
  const options = parseListLiteral(literal)
  if (options !== undefined) return options
  throw new EvolmmError(
    'COLUMN_INVALID',
    `options: must hold the spelling of a Python list, got ${JSON.stringify(literal)}; choose the dataset that the task is made for`,
    { details: { column: 'options' } },
  )
}

/** "validation_Art_Theory_12" is of Art_Theory. */
function subjectOf(row: DataRow): string {
  return /^[^_]*_(.+)_\d+$/.exec(optionalText(row, 'id') ?? '')?.[1] ?? ''
}

/** Domains, each followed by its subjects that have rows, and all. */
function byDomain(scores: readonly Score[]): Record<string, RowGroup> {
  const group = (subjects: readonly string[]) =>
    rounded(
      scores
        .filter((score) => subjects.includes(score.details?.subject as string))
        .map((score) => score.values.mmmu_acc),
    )
  const groups: Record<string, RowGroup> = {}
  for (const [domain, list] of Object.entries(domains)) {
    const subjects = list.split(' ')
    groups[`Overall-${domain}`] = group(subjects)
    for (const subject of subjects) if (group([subject]).total > 0) groups[subject] = group([subject])
  }
  groups.Overall = rounded(scores.map((score) => score.values.mmmu_acc))
  return groups
}

/** Groups without rows have an accuracy of 0, as lmms-eval prints them. */
function rounded(values: readonly (number | null)[]): RowGroup {
  if (values.length === 0) return { correct: 0, total: 0, accuracy: 0 }
  return groupOf(values, (share) => (share === null ? null : roundPlaces(share, 5)))
}
