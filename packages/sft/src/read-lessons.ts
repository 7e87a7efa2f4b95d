/**
 * Lessons from a file of labelled questions, or of whole turns. Rows about one image become one example, in the order of
 * its first row, so that everything that is asked about it is learned in one sequence.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { labelledQuestion, openRows, type ImageFile, type DataRow, type RowPlace } from '@evolmm/dataset'
import { EvolmmError } from './errors'
import type { SftExample } from './supervise'
import type { Turn } from '@evolmm/vlm'
import { optionsOf } from '@evolmm/settings'

export interface Lessons {
  examples: readonly SftExample[]
  /** The SHA-256 of the file's bytes, in hexadecimal. */
  sha256: string
}

/** Throws what `openRows` throws, `INVALID_ROW`, or `IMAGE_UNREADABLE` for the first image that is not there. */
export async function readLessons(file: string, system: string | null): Promise<Lessons> {
  const rows = await openRows({ file }).catch(unreadableData(file))
  const examples = new Map<string, { image: ImageFile; turns: Turn[] }>()
  try {
    let index = 0
    for await (const row of rows.read(0, rows.length)) {
      const { image, turns } = readLesson(row, { file, place: rows.placeOf(index++) })
      const key = typeof image === 'string' ? image : `sha256 ${sha256(image)}`
      const example = examples.get(key) ?? { image, turns: [] }
      example.turns.push(...turns)
      examples.set(key, example)
    }
  } finally {
    await rows.close()
  }
  for (const { image } of examples.values()) if (typeof image === 'string') await checkImage(image, file)
  return {
    examples: [...examples.values()].map((example) => ({ ...example, ...optionsOf({ system }) })),
    sha256: await fileDigest(file),
  }
}

/** A row with `turns` holds whole prompts and completions; any other one is a labelled question. */
function readLesson(row: DataRow, where: RowPlace): { image: ImageFile; turns: Turn[] } {
  const { turns } = row
  const labelled = turns === undefined ? row : { ...row, question: '', answer: null }
  const { question, answers, images } = labelledQuestion(labelled, where)
  if (images.length !== 1) throw invalidRow(where, 'image', 'one image', `${images.length || 'no'} images`)
  const [image] = images
  if (turns === undefined) {
    if (answers === null) throw invalidRow(where, 'answer', 'a text', 'null')
    return { image, turns: [{ prompt: question, completion: `<answer>${answers[0]}</answer>` }] }
  }
  if (!Array.isArray(turns) || turns.length === 0 || !turns.every(isTurn))
    throw invalidRow(where, 'turns', 'a list of { prompt, completion }', JSON.stringify(turns).slice(0, 80))
  return { image, turns }
}

function isTurn(value: unknown): value is { prompt: string; completion: string } {
  const { prompt, completion } = (value ?? {}) as Partial<Record<keyof Turn, unknown>>
  return typeof prompt === 'string' && typeof completion === 'string'
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
