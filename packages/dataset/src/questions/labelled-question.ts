/** A question about images with the answers that are known to be right, as people write it in files. */
import { checkObject } from '@evolmm/internal'
import { dirname, join, resolve } from 'node:path'
import { EvolmmError } from '../errors'
import { conversationQuestion } from './conversation'
import { cellImage, type ImageFile } from '../rows/row-image'
import type { DataRow } from '../rows/row-reader'

export interface LabelledQuestion {
  question: string
  /** The right ones; null when nobody knows. */
  answers: readonly string[] | null
  /** What there is to choose from; empty for none. Answers are letters of options or their texts. */
  options: readonly string[]
  /** They are shown in this order. */
  images: readonly ImageFile[]
  /** What sort of question it is, for numbers by kind; null where the row says nothing. */
  kind: string | null
  /** The collection that the question comes from; null where nothing says so. */
  source: string | null
}

/** The place in which a row was found, if that is a file. */
export interface RowPlace {
  /** Paths of images are relative to this file. @default they are left as they are */
  file?: string | undefined
  /** The folder of images of rows with `conversations`, beside the file. @default data_images, as MathV360K has it */
  imageFolder?: string | undefined
  /** The row as messages name it, a file and a line for instance. @default messages do not */
  place?: string | undefined
}

/**
 * Reads the fields of a row:
 * - `question`: a text;
 * - `answer` or `answers`: the right answer, or a list of right ones; null when nobody knows, as of questions that a model
 *   made up;
 * - `options`: texts to choose from, if there are any;
 * - `image` or `images`: one or several, each a path, bytes, or a struct `{ bytes, path }`;
 * - `kind` and `source`: texts.
 *
 * A row with `conversations` is read as LLaVA's data sets are: the first two turns are question and answer, options are in the
 * question's text, and the source is the first folder of the image's path.
 *
 * Throws `INVALID_ROW`.
 */
export function labelledQuestion(row: DataRow, where: RowPlace = {}): LabelledQuestion {
  checkObject('row', row)
  checkObject('where', where)
  if (row.conversations !== undefined) return fromConversation(row, where)
  const { question, options, kind, source } = row
  if (typeof question !== 'string') throw invalidRow(where, 'question', 'a text', question)
  const answer = row.answer === undefined ? row.answers : row.answer
  return {
    question,
    answers: answer === null ? null : texts(where, 'answer', answer, 1),
    options: texts(where, 'options', options ?? []),
    images: imagesOf(where, row.images ?? row.image ?? []),
    kind: nameOf(where, 'kind', kind),
    source: nameOf(where, 'source', source),
  }
}

function fromConversation(row: DataRow, where: RowPlace): LabelledQuestion {
  const found = conversationQuestion(row)
  if (found === undefined)
    throw invalidRow(where, 'conversations', 'what "human" and then "gpt" say', row.conversations)
  const { question, answer, options } = found
  const { image } = row
  if (typeof image !== 'string') throw invalidRow(where, 'image', 'a path', image)
  const { file, imageFolder = 'data_images' } = where
  const images = imagesOf(
    file === undefined ? where : { ...where, file: join(dirname(file), imageFolder, 'x') },
    image,
  )
  return {
    question,
    answers: [answer],
    options,
    images,
    kind: options.length > 0 ? 'choice' : 'free',
    source: /^[^/\\]+(?=[/\\])/.exec(image)?.[0] ?? null,
  }
}

function nameOf(where: RowPlace, key: string, value: unknown): string | null {
  return value === undefined || value === null ? null : texts(where, key, value, 1)[0]
}

/** A text, a number, or a list of them, as a list of texts. */
function texts(where: RowPlace, key: string, value: unknown, atLeast = 0): string[] {
  const list = listOf(value)
  const found = list.flatMap((item) =>
    typeof item === 'string' || typeof item === 'number' ? [String(item)] : [],
  )
  if (found.length < list.length || found.length < atLeast)
    throw invalidRow(where, key, 'a text or a list of texts', value)
  return found
}

function imagesOf(where: RowPlace, value: unknown): ImageFile[] {
  return listOf(value).map((item) => {
    const image = typeof item === 'string' ? item : cellImage(item)
    if (image === undefined || image === '')
      throw invalidRow(where, 'images', 'a path, the bytes of a file, or a list of them', value)
    return typeof image === 'string' && where.file !== undefined ? resolve(dirname(where.file), image) : image
  })
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value]
}

function invalidRow({ file, place }: RowPlace, key: string, rule: string, value: unknown): EvolmmError {
  const subject = place === undefined ? key : `${place}: ${key}`
  const got = value === undefined ? 'nothing' : JSON.stringify(value, bytesByLength)
  return new EvolmmError(
    'INVALID_ROW',
    `${subject}: must be ${rule}, got ${got.length > 80 ? `${got.slice(0, 80)}…` : got}; correct the row`,
    { details: { file, place, key } },
  )
}

function bytesByLength(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? `${value.length} bytes` : value
}
