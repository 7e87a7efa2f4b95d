/**
 * Labelled questions from a JSON-lines file. Lines about one image become one example, in the order of its first line,
 * so that everything that is asked about it is learned in one sequence.
 */
import { createHash } from 'node:crypto'
import { access, readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import type { WarmupExample } from '@evolmm/trainer'
import type { Turn } from '@evolmm/vlm'

export interface Lessons {
  examples: readonly WarmupExample[]
  /** Of the file's bytes, in hexadecimal. */
  sha256: string
}

/** Throws `UNREADABLE_FILE`, `INVALID_LINE`, or `IMAGE_UNREADABLE` for the first image that is not there. */
export async function readLessons(file: string, system: string | undefined): Promise<Lessons> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new EvolmmError(
      'UNREADABLE_FILE',
      `--data ${JSON.stringify(file)}: must be a file that can be read, got ${(cause as Error).message}; check the path`,
      { cause },
    )
  })
  const turns = new Map<string, Turn[]>()
  const lines = bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split('\n')
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue
    const lesson = parseLine(line)
    if (typeof lesson === 'string')
      throw new EvolmmError(
        'INVALID_LINE',
        `${file}:${i + 1}: must be {"image", "turns": [{"prompt", "completion"}]} or {"image", "question", "answer"}, got ${lesson}; correct the line`,
        { details: { path: file, line: i + 1 } },
      )
    const image = resolve(dirname(file), lesson.image)
    turns.set(image, [...(turns.get(image) ?? []), ...lesson.turns])
  }
  if (turns.size === 0)
    throw new EvolmmError('INVALID_LINE', `${file}: must hold at least one line, got none; add some`)
  for (const image of turns.keys())
    await access(image).catch((cause: unknown) => {
      throw new EvolmmError(
        'IMAGE_UNREADABLE',
        `${image}: must be an image that ${file} names, got no such file; check the path`,
        { cause },
      )
    })
  return {
    examples: [...turns].map(([image, asked]) => ({ image, turns: asked, system })),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }
}

/** What the line holds, or what is wrong with it. */
function parseLine(line: string): { image: string; turns: Turn[] } | string {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'no JSON'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'no object'
  const { image, turns, question, answer } = value as Partial<Record<string, unknown>>
  if (typeof image !== 'string' || image === '') return 'no image'
  if (turns === undefined) {
    if (typeof question !== 'string') return 'neither turns nor a question'
    if (typeof answer !== 'string' && typeof answer !== 'number') return 'no answer'
    return { image, turns: [{ prompt: question, completion: `<answer>${answer}</answer>` }] }
  }
  if (!Array.isArray(turns) || turns.length === 0) return 'no list of turns'
  return turns.every(isTurn) ? { image, turns } : 'a turn without a prompt or without a completion'
}

function isTurn(value: unknown): value is { prompt: string; completion: string } {
  const { prompt, completion } = (value ?? {}) as Partial<Record<keyof Turn, unknown>>
  return typeof prompt === 'string' && typeof completion === 'string'
}
