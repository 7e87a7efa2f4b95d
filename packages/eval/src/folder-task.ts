/**
 * One's own pictures as a task: a JSON-lines file, each line an object with
 * - `image` or `images`: a path, or several, relative to the file;
 * - `question`: a text;
 * - `answer`: the right answer, or a list of right ones; with `options` the letter or the text of the right one; null
 *   when nobody knows, as of questions that a model made up: such a row has no score, but can be diagnosed;
 * - `options`: texts to choose from, if there are any.
 */
import { basename, dirname, resolve } from 'node:path'
import { checkInteger, checkOneOf, EvolmmError } from '@evolmm/internal'
import { scorerNames, type ScorerName } from '@evolmm/rewards'
import { ownPrompt, scoreOwn, type OwnQuestion } from './own-question'
import { meanOf } from './scoring/averages'
import type { Row, Task } from './task'

export interface FolderTaskOptions {
  /** Path of the `.jsonl` file. */
  file: string
  scorer: ScorerName
  /** @default the file's name without its ending */
  name?: string | undefined
  /** What is asked for after the question; an empty text for nothing. @default depends on the scorer */
  instruction?: string | undefined
  /** Tokens. @default 64 */
  maxNewTokens?: number | undefined
}

type Question = OwnQuestion & { images: string[] }

export function folderTask(options: FolderTaskOptions): Task {
  const { file } = options
  const scorer = checkOneOf('scorer', options.scorer, scorerNames)
  const metric = scorer === 'anls' ? 'anls' : 'accuracy'
  return {
    name: options.name ?? basename(file).replace(/\.jsonl$/, ''),
    version: 1,
    source: { file },
    generation: { maxNewTokens: checkInteger('maxNewTokens', options.maxNewTokens ?? 64, { min: 1 }) },
    prompt: (row) => {
      const question = readQuestion(row, file)
      return {
        text: ownPrompt(question, scorer, options.instruction),
        images: question.images.map((path) => resolve(dirname(file), path)),
      }
    },
    target: (row) => (readQuestion(row, file).answers ?? []).join(' | '),
    score: (row, answer) => {
      const { value, parsed } = scoreOwn(answer, readQuestion(row, file), scorer)
      return { values: { [metric]: value }, parsed, fallback: false }
    },
    aggregate: (scores) => ({ [metric]: meanOf(scores, metric) }),
    higherIsBetter: { [metric]: true },
    means: [metric],
  }
}

function readQuestion(row: Row, file: string): Question {
  const { question, answer, image, images, options } = row
  if (typeof question !== 'string') throw invalidRow(file, 'question', 'a text', question)
  return {
    question,
    images: texts(file, 'images', images ?? image ?? []),
    answers: answer === null ? null : texts(file, 'answer', answer, 1),
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
