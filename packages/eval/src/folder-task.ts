/**
 * One's own pictures as a task: a JSON-lines file, each line an object with
 * - `image` or `images`: a path, or several, relative to the file;
 * - `question`: a text;
 * - `answer`: the right answer, or a list of right ones; with `options` the letter or the text of the right one;
 * - `options`: texts to choose from, if there are any.
 */
import { basename, dirname, resolve } from 'node:path'
import { checkInteger, checkOneOf, EvolmmError } from '@evolmm/internal'
import { anls } from './scoring/anls'
import { inferOption, lettered } from './scoring/infer-option'
import { mathEqual } from './scoring/math-equal'
import { meanOf } from './scoring/averages'
import { optionLines } from './scoring/option-lines'
import { strip } from './scoring/python-text'
import { relaxedMatch } from './scoring/relaxed-match'
import type { Row, Task } from './task'

/**
 * - `exact`: the same text but for case and spaces around it;
 * - `relaxed`: ChartQA's rule, numbers within 5 %;
 * - `anls`: InfographicVQA's rule, similarity of spelling;
 * - `math`: MathVision's rule, equal values;
 * - `choice`: the letter, or else the text, of an option.
 */
export type FolderScorer = 'exact' | 'relaxed' | 'anls' | 'math' | 'choice'

export interface FolderTaskOptions {
  /** Path of the `.jsonl` file. */
  file: string
  scorer: FolderScorer
  /** @default the file's name without its ending */
  name?: string | undefined
  /** What is asked for after the question; an empty text for nothing. @default depends on the scorer */
  instruction?: string | undefined
  /** Tokens. @default 64 */
  maxNewTokens?: number | undefined
}

const singleWord = 'Answer the question using a single word or phrase.'
const instructions: Record<FolderScorer, string> = {
  exact: singleWord,
  relaxed: singleWord,
  anls: singleWord,
  math: 'Please solve the problem step by step and put your answer in one "\\boxed{}".',
  choice: "Answer with the option's letter from the given choices directly.",
}

interface Question {
  question: string
  images: string[]
  answers: string[]
  options: string[]
}

export function folderTask(options: FolderTaskOptions): Task {
  const { file } = options
  const scorer = checkOneOf('scorer', options.scorer, ['exact', 'relaxed', 'anls', 'math', 'choice'])
  const metric = scorer === 'anls' ? 'anls' : 'accuracy'
  const instruction = options.instruction ?? instructions[scorer]
  return {
    name: options.name ?? basename(file).replace(/\.jsonl$/, ''),
    version: 1,
    source: { file },
    generation: { maxNewTokens: checkInteger('maxNewTokens', options.maxNewTokens ?? 64, { min: 1 }) },
    prompt: (row) => {
      const { question, images, options: choices } = readQuestion(row, file)
      return {
        text: [question, optionLines(choices), instruction].filter((part) => part !== '').join('\n'),
        images: images.map((path) => resolve(dirname(file), path)),
      }
    },
    target: (row) => readQuestion(row, file).answers.join(' | '),
    score: (row, answer) => {
      const question = readQuestion(row, file)
      const { value, parsed } = scorers[scorer](strip(answer), question)
      return { values: { [metric]: value }, parsed, fallback: false }
    },
    aggregate: (scores) => ({ [metric]: meanOf(scores, metric) }),
    higherIsBetter: { [metric]: true },
    means: [metric],
  }
}

type Scorer = (answer: string, question: Question) => { value: number; parsed: string | null }

const scorers: Record<FolderScorer, Scorer> = {
  exact: (answer, { answers }) => matching(answer, answers, (a, b) => a.toLowerCase() === b.toLowerCase()),
  relaxed: (answer, { answers }) => matching(answer, answers, relaxedMatch),
  math: (answer, { answers }) => matching(answer, answers, mathEqual),
  anls: (answer, { answers }) => ({ value: anls(answer, answers), parsed: answer.toLowerCase() || null }),
  choice: (answer, { answers, options }) => {
    const letters = lettered(options)
    const parsed = letters.has(answer.toUpperCase()) ? answer.toUpperCase() : inferOption(answer, letters)
    const right = answers.some((gold) => gold === parsed || gold === letters.get(parsed ?? ''))
    return { value: right ? 1 : 0, parsed: parsed ?? null }
  },
}

function matching(answer: string, answers: readonly string[], equal: (a: string, b: string) => boolean) {
  const right = answers.some((gold) => equal(answer, gold))
  return { value: right ? 1 : 0, parsed: answer.toLowerCase() || null }
}

function readQuestion(row: Row, file: string): Question {
  const { question, answer, image, images, options } = row
  if (typeof question !== 'string') throw invalidRow(file, 'question', 'a text', question)
  return {
    question,
    images: texts(file, 'images', images ?? image ?? []),
    answers: texts(file, 'answer', answer, 1),
    options: texts(file, 'options', options ?? []),
  }
}

/** A text, a number, or a list of them, as a list of texts. */
function texts(file: string, key: string, value: unknown, atLeast = 0): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  const found = list.flatMap((item) =>
    typeof item === 'string' || typeof item === 'number' ? [String(item)] : [],
  )
  if (found.length < list.length || found.length < atLeast)
    throw invalidRow(file, key, 'a text or a list of texts', value)
  return found
}

function invalidRow(file: string, key: string, rule: string, value: unknown): EvolmmError {
  return new EvolmmError(
    'INVALID_ROW',
    `${file}: ${key} must be ${rule}, got ${value === undefined ? 'nothing' : JSON.stringify(value)}; correct the line`,
    { details: { file, key } },
  )
}
