/**
 * Lessons from a file of labelled questions, or of whole turns. Rows about the same images become one example, in the order
 * of its first row, so that everything that is asked about them is learned in one sequence.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { labelledQuestion, openRows, type ImageFile, type DataRow, type RowPlace } from '@evolmm/dataset'
import { EvolmmError } from './errors'
import type { SftExample, SftTurn, StepValue } from './example'
import { optionsOf } from '@evolmm/settings'
import type { SftSettings } from './settings'

export interface Lessons {
  examples: readonly SftExample[]
  /** The SHA-256 of the file's bytes, in hexadecimal. */
  sha256: string
}

/** Throws what `openRows` throws, `INVALID_ROW`, or `IMAGE_UNREADABLE` for the first image that is not there. */
export async function readLessons(
  file: string,
  { system, value_head: valued }: Pick<SftSettings, 'system' | 'value_head'>,
): Promise<Lessons> {
  const rows = await openRows({ file }).catch(unreadableData(file))
  const examples = new Map<string, Lesson>()
  try {
    let index = 0
    for await (const row of rows.read(0, rows.length)) {
      const { images, turns } = readLesson(row, { file, place: rows.placeOf(index++) }, valued)
      const key = images
        .map((image) => (typeof image === 'string' ? image : `sha256 ${sha256(image)}`))
        .join('\n')
      const example: Lesson = examples.get(key) ?? { images, turns: [] }
      example.turns.push(...turns)
      examples.set(key, example)
    }
  } finally {
    await rows.close()
  }
  const paths = [...examples.values()].flatMap(({ images }) => images)
  for (const image of new Set(paths)) if (typeof image === 'string') await checkImage(image, file)
  return {
    examples: [...examples.values()].map((example) => ({ ...example, ...optionsOf({ system }) })),
    sha256: await fileDigest(file),
  }
}

interface Lesson {
  images: readonly ImageFile[]
  turns: SftTurn[]
}

/** A row with `turns` holds whole prompts and completions; any other one is a labelled question. */
function readLesson(row: DataRow, where: RowPlace, valued: boolean): Lesson {
  const { turns } = row
  const labelled = turns === undefined ? row : { ...row, question: '', answer: null }
  const { question, answers, images } = labelledQuestion(labelled, where)
  if (images.length === 0) throw invalidRow(where, 'image', 'one image or several', 'no images')
  if (turns === undefined) {
    if (valued) throw invalidRow(where, 'turns', 'a list of { prompt, steps } for a value head', 'none')
    if (answers === null) throw invalidRow(where, 'answer', 'a text', 'null')
    return { images, turns: [{ prompt: question, completion: `<answer>${answers[0]}</answer>` }] }
  }
  const rule = valued ? 'a list of { prompt, steps: [{ text, value }] }' : 'a list of { prompt, completion }'
  const read = Array.isArray(turns) ? turns.map(valued ? valuedTurn : plainTurn) : []
  const whole = read.flatMap((turn) => turn ?? [])
  if (whole.length === 0 || whole.length < read.length)
    throw invalidRow(where, 'turns', rule, JSON.stringify(turns).slice(0, 80))
  return { images, turns: whole }
}

function plainTurn(value: unknown): SftTurn | undefined {
  const { prompt, completion } = (value ?? {}) as Partial<Record<keyof SftTurn, unknown>>
  if (typeof prompt !== 'string' || typeof completion !== 'string') return undefined
  return { prompt, completion }
}

/** The completion is the texts of its steps one after the other. */
function valuedTurn(value: unknown): SftTurn | undefined {
  const { prompt, steps } = (value ?? {}) as Partial<Record<keyof SftTurn, unknown>>
  if (typeof prompt !== 'string' || !Array.isArray(steps) || steps.length === 0) return undefined
  let completion = ''
  const read: StepValue[] = []
  for (const step of steps as unknown[]) {
    const { text, value: worth } = (step ?? {}) as { text?: unknown; value?: unknown }
    if (typeof text !== 'string' || text === '' || typeof worth !== 'number' || !Number.isFinite(worth))
      return undefined
    completion += text
    read.push({ end: completion.length, value: worth })
  }
  return { prompt, completion, steps: read }
}

async function checkImage(image: string, file: string): Promise<void> {
  await access(image).catch((cause: unknown) => {
    throw new EvolmmError(
      'IMAGE_UNREADABLE',
      `${image}: must be an image that ${file} names, got no such file; check the path`,
      { cause },
    )
  })
}

async function fileDigest(file: string): Promise<string> {
  const sum = createHash('sha256')
  for await (const chunk of createReadStream(file)) sum.update(chunk as Buffer)
  return sum.digest('hex')
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function invalidRow({ place }: RowPlace, key: string, rule: string, got: string): EvolmmError {
  return new EvolmmError('INVALID_ROW', `${place}: ${key}: must be ${rule}, got ${got}; correct the row`, {
    details: { place, key },
  })
}

/** What the system says of the file, as an error of the setting. */
function unreadableData(file: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof EvolmmError) || error.code !== 'UNREADABLE_FILE') throw error
    const { cause } = error
    throw new EvolmmError(
      error.code,
      `data ${JSON.stringify(file)}: must be a file that can be read, got ${(cause as Error).message}; check the path`,
      { details: { option: 'data', path: file }, cause },
    )
  }
}
