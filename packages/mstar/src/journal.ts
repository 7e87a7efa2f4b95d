/**
 * Lines on disk behind a first line that says what they are of. What was written survives a loss of power; a line that a kill left
 * without its end is cut off. Nothing is held in memory but the places of the lines.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { checkInteger, parseObject } from '@evolmm/internal'
import { isThere, openAppendFile, readLines, unreadable, unwritable } from '@evolmm/internal/node'
import { EvolmmError } from './errors'

export interface JournalReader<T> {
  /** The lines that are in the file. */
  readonly length: number
  /** What is at a place, in the order in which it was written. */
  at: (place: number) => Promise<T>
  close: () => Promise<void>
}

export interface Journal<T> extends JournalReader<T> {
  /** Writes some, so that they survive a loss of power. */
  append: (items: readonly T[]) => Promise<void>
}

/** What a file is of, as plain data: a file that goes on must be of the same. */
export type JournalHead = Readonly<Record<string, string | number | boolean | null>>

/** What the lines of a file are. */
export interface JournalKind<T> {
  /** A line in words: "the answers to a question". */
  line: string
  write: (item: T) => Readonly<Record<string, unknown>>
  /** The item of a line; `undefined` for a line that is none. */
  read: (line: Readonly<Record<string, unknown>>) => T | undefined
}

export interface OpenJournalOptions {
  /** The number of lines that must be there, as of answers that nobody can write again. @default any number */
  isWhole?: number | undefined
  /** What becomes of a file that is of something else. @default it begins anew */
  others?: 'replace' | 'refuse' | undefined
}

/**
 * Opens a file, or makes it. Throws `UNREADABLE_FILE`, `UNWRITABLE_FILE`, `WOULD_OVERWRITE`, or `INVALID_ROLLOUTS` for a line
 * that is none of its kind.
 */
export async function openJournal<T>(
  file: string,
  head: JournalHead,
  kind: JournalKind<T>,
  { isWhole, others = 'replace' }: OpenJournalOptions = {},
): Promise<Journal<T>> {
  const first = Buffer.from(`${JSON.stringify(head)}\n`)
  const { places, size, found, isOther } = await linesIn(file, kind, first.subarray(0, -1))
  if (isWhole !== undefined && (size === 0 || places.length !== isWhole))
    throw new EvolmmError(
      'INVALID_ROLLOUTS',
      `${file}: must hold ${isWhole} lines of ${JSON.stringify(head)}, got ${size === 0 ? 'others, or no file' : places.length}; restore the file, or go on from an earlier checkpoint`,
      { details: { file } },
    )
  if (others === 'refuse' && isOther)
    throw new EvolmmError(
      'WOULD_OVERWRITE',
      `${file}: must be of the same model, data and settings, got ${differences(head, found ?? {})}; go on with the old ones, choose another name, or delete the file`,
      { details: { file } },
    )
  const writer = await openAppendFile(file, size).catch(unwritable(file))
  const append = async (bytes: Buffer) => {
    const start = writer.size
    await writer.append(bytes).catch(unwritable(file))
    return { start, length: bytes.length }
  }
  let reader: JournalReader<T>
  try {
    if (size === 0) await append(first)
    reader = await readPlaces(file, places, kind)
  } catch (error) {
    await writer.close()
    throw error
  }
  return {
    get length() {
      return places.length
    },
    async append(items) {
      for (const item of items)
        places.push(await append(Buffer.from(`${JSON.stringify(kind.write(item))}\n`)))
      await writer.sync().catch(unwritable(file))
    },
    at: reader.at,
    async close() {
      await reader.close()
      await writer.close()
    },
  }
}

/** What somebody else has written: the whole lines that are there now. Throws as `openJournal` does. */
export async function readJournal<T>(
  file: string,
  kind: JournalKind<T>,
): Promise<JournalReader<T> & { head: JournalHead }> {
  const { places, found } = await linesIn(file, kind)
  if (found === undefined)
    throw new EvolmmError(
      'INVALID_ROLLOUTS',
      `${file}: must begin with a line that says what it is of, got ${(await isThere(file)) ? 'another one' : 'no file'}; check the path`,
      { details: { file } },
    )
  return Object.assign(await readPlaces(file, places, kind), { head: found })
}

/** What a file is of, and how many whole lines it has, without a look into them; undefined for no such file. */
export async function journalLength(
  file: string,
): Promise<{ head: JournalHead; length: number } | undefined> {
  let head: JournalHead | undefined
  let length = 0
  try {
    for await (const { bytes, number, isWhole } of readLines(file)) {
      if (!isWhole) break
      if (number === 1) head = headOf(bytes)
      else length++
      if (head === undefined) return undefined
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error instanceof EvolmmError ? error : unreadable(file)(error)
  }
  return head && { head, length }
}

interface Place {
  start: number
  length: number
}

async function readPlaces<T>(
  file: string,
  places: readonly Place[],
  kind: JournalKind<T>,
): Promise<JournalReader<T>> {
  const reader: FileHandle = await open(file).catch(unreadable(file))
  return {
    length: places.length,
    async at(place) {
      checkInteger('place', place, { min: 0, below: places.length })
      const { start, length } = places[place]
      const bytes = Buffer.alloc(length)
      await reader.read(bytes, 0, length, start).catch(unreadable(file))
      return itemOf(file, place + 2, bytes, kind)
    },
    close: () => reader.close(),
  }
}

interface FoundLines {
  places: Place[]
  /** The bytes up to the last whole line; none where the first line is not the one that is wanted. */
  size: number
  /** What the first line says; undefined without one. */
  found: JournalHead | undefined
  /** True for a first line that is not the one that is wanted. */
  isOther: boolean
}

/** The lines behind `first`; where none is wanted, behind whatever line is the first. */
async function linesIn<T>(file: string, kind: JournalKind<T>, first?: Buffer): Promise<FoundLines> {
  const lines: FoundLines = { places: [], size: 0, found: undefined, isOther: false }
  if (!(await isThere(file))) return lines
  try {
    for await (const { bytes, number, end, isWhole } of readLines(file)) {
      if (!isWhole) break
      if (number === 1) {
        lines.found = headOf(bytes)
        lines.isOther = lines.found === undefined || (first !== undefined && !bytes.equals(first))
        if (lines.isOther) break
      } else {
        itemOf(file, number, bytes, kind)
        lines.places.push({ start: lines.size, length: end - lines.size })
      }
      lines.size = end
    }
  } catch (error) {
    throw error instanceof EvolmmError ? error : unreadable(file)(error)
  }
  return lines
}

function headOf(bytes: Buffer): JournalHead | undefined {
  const line = parseObject(bytes.toString('utf8'))
  const isPlain = (value: unknown) => value === null || ['string', 'number', 'boolean'].includes(typeof value)
  return line !== undefined && Object.values(line).every(isPlain) ? (line as JournalHead) : undefined
}

function itemOf<T>(file: string, line: number, bytes: Buffer, { read, line: what }: JournalKind<T>): T {
  const object = parseObject(bytes.toString('utf8'))
  const item = object && read(object)
  if (item !== undefined) return item
  throw new EvolmmError(
    'INVALID_ROLLOUTS',
    `${file}:${line}: must be ${what}, got something else; delete the file to make it again`,
    { details: { file, line } },
  )
}

/** The names of what differs: the values may be digests. */
function differences(wanted: JournalHead, found: JournalHead): string {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(found)])]
  return `other ${names.filter((name) => wanted[name] !== found[name]).join(', ') || 'ones'}`
}
