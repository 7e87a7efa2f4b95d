/**
 * Rollouts on disk, a line for each question behind a first line that says what they are of. What was written survives a loss
 * of power; a line that a kill left without its end is cut off, and its questions are asked again. Nothing is held in memory
 * but the places of the lines.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { checkInteger, checkNames, checkObject, checkText, isObject, parseObject } from '@evolmm/internal'
import { isThere, openAppendFile, readLines, unreadable, unwritable } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import type { RolledAnswer, Rollout } from './rollout'

export interface RolloutsFile {
  /** The rollouts that are in the file. */
  readonly length: number
  /** Writes some, so that they survive a loss of power. */
  append: (rollouts: readonly Rollout[]) => Promise<void>
  /** The rollout at a place, in the order in which they were written. */
  at: (place: number) => Promise<Rollout>
  close: () => Promise<void>
}

/** What a file is of, as plain data: a file that goes on must be of the same. */
export type RolloutsHead = Readonly<Record<string, string | number | boolean | null>>

export interface OpenRolloutsOptions {
  /** The number of rollouts that must be there, as of answers that nobody can write again. @default any number */
  isWhole?: number | undefined
}

/**
 * Opens a file, or makes it. One that is of something else begins anew. Throws `UNREADABLE_FILE`, `UNWRITABLE_FILE`, or
 * `INVALID_ROLLOUTS` for a line that is none of a rollout.
 */
export async function openRollouts(
  file: string,
  head: RolloutsHead,
  options: OpenRolloutsOptions = {},
): Promise<RolloutsFile> {
  checkNames('openRollouts', options, { isWhole: true })
  checkText('file', file)
  checkObject('head', head)
  const { isWhole } = options
  if (isWhole !== undefined) checkInteger('isWhole', isWhole, { min: 0 })
  const first = Buffer.from(`${JSON.stringify(head)}\n`)
  const { places, size } = await placesIn(file, first.subarray(0, -1))
  if (isWhole !== undefined && (size === 0 || places.length !== isWhole))
    throw new EvolmmError(
      'INVALID_ROLLOUTS',
      `${file}: must hold the answers to ${isWhole} questions of ${JSON.stringify(head)}, got ${size === 0 ? 'others, or no file' : places.length}; restore the file, or go on from an earlier checkpoint`,
      { details: { file } },
    )
  const writer = await openAppendFile(file, size).catch(unwritable(file))
  const append = async (bytes: Buffer) => {
    const start = writer.size
    await writer.append(bytes).catch(unwritable(file))
    return { start, length: bytes.length }
  }
  let reader: FileHandle
  try {
    if (size === 0) await append(first)
    reader = await open(file).catch(unreadable(file))
  } catch (error) {
    await writer.close()
    throw error
  }
  return {
    get length() {
      return places.length
    },
    async append(rollouts) {
      for (const rollout of rollouts) places.push(await append(Buffer.from(`${lineOf(rollout)}\n`)))
      await writer.sync().catch(unwritable(file))
    },
    async at(place) {
      checkInteger('place', place, { min: 0, below: places.length })
      const { start, length } = places[place]
      const bytes = Buffer.alloc(length)
      await reader.read(bytes, 0, length, start).catch(unreadable(file))
      return rolloutOf(file, place + 2, bytes)
    },
    async close() {
      await reader.close()
      await writer.close()
    },
  }
}

interface Place {
  start: number
  length: number
}

/** The places of whole lines, and the bytes up to the last of them; nothing where the first line is another one. */
async function placesIn(file: string, first: Buffer): Promise<{ places: Place[]; size: number }> {
  const places: Place[] = []
  let size = 0
  if (!(await isThere(file))) return { places, size }
  try {
    for await (const { bytes, number, end, isWhole } of readLines(file)) {
      if (!isWhole) break
      if (number === 1 && !bytes.equals(first)) break
      if (number > 1) {
        rolloutOf(file, number, bytes)
        places.push({ start: size, length: end - size })
      }
      size = end
    }
  } catch (error) {
    throw error instanceof EvolmmError ? error : unreadable(file)(error)
  }
  return { places, size }
}

function lineOf({ question, answers }: Rollout): string {
  return JSON.stringify({
    question,
    answers: answers.map(({ ids, logProbabilities, ...rest }) => ({
      ...rest,
      ids: Array.from(ids),
      log_probabilities: Buffer.from(new Uint8Array(Float32Array.from(logProbabilities).buffer)).toString(
        'base64',
      ),
    })),
  })
}

function rolloutOf(file: string, line: number, bytes: Buffer): Rollout {
  const { question, answers } = parseObject(bytes.toString('utf8')) ?? {}
  if (isCount(question) && Array.isArray(answers)) {
    const read = answers.map(answerOf)
    const whole = read.flatMap((answer) => answer ?? [])
    if (whole.length === read.length) return { question, answers: whole }
  }
  throw new EvolmmError(
    'INVALID_ROLLOUTS',
    `${file}:${line}: must be the answers to a question, got something else; delete the file to ask again`,
    { details: { file, line } },
  )
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31

function answerOf(value: unknown): RolledAnswer | undefined {
  if (!isObject(value)) return undefined
  const { text, count, reading, right, steps, ids, log_probabilities: packed } = value
  if (typeof text !== 'string' || !isCount(count) || typeof packed !== 'string') return undefined
  if (reading !== null && typeof reading !== 'string') return undefined
  if (right !== null && typeof right !== 'boolean') return undefined
  if (steps !== null && !isNumbers(steps)) return undefined
  if (!Array.isArray(ids) || !ids.every(isCount)) return undefined
  const bytes = new Uint8Array(Buffer.from(packed, 'base64'))
  if (bytes.byteLength !== 4 * ids.length) return undefined
  const logProbabilities = new Float32Array(bytes.buffer)
  return { text, count, reading, right, steps, ids: Int32Array.from(ids), logProbabilities }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number' && Number.isFinite(each))
}
