/**
 * What a run has done so far, as lines that are only ever appended, each batch on the disk before the next one begins.
 * A kill leaves at most a line without an end; it is cut off, and its row is done again. A row answered but not scored
 * (its judge failed, say) keeps its answer; of two lines of a row the later one counts.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseObject } from '@evolmm/internal'
import {
  isThere,
  lockFile,
  makeFolder,
  openAppendFile,
  readLines,
  unwritable,
  type AppendFile,
} from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import { isScore } from '../scoring/check-score'
import type { Score } from '../task'

export interface RowRecord {
  task: string
  /** Number of the row in the data set. */
  row: number
  /** SHA-256 of the row without its images. */
  hash: string
  target: string
  input: string
  /** The answer as it was generated. */
  raw: string
  /** The answer as it was scored. */
  answer: string
  /** Not there while the scoring has failed. */
  score?: Score | undefined
}

/** The record of a row that is done. */
export type ScoredRecord = RowRecord & { score: Score }

export interface Journal {
  /** The date of the run's beginning, YYYYMMDD_HHMMSS. */
  date: string
  /** The records by task, by row. */
  records: Map<string, Map<number, RowRecord>>
  /** Writes records so that they survive a loss of power. */
  append: (records: readonly RowRecord[]) => Promise<void>
  close: () => Promise<void>
  /** Deletes it, when all that it holds is stored elsewhere. */
  remove: () => Promise<void>
}

export interface JournalOptions {
  /** The folder in which the journal lies. */
  folder: string
  /** Names a run: the same for what may continue it and for nothing else. */
  fingerprint: string
  /** The clock that dates a run which begins now. */
  now: () => Date
}

export function openJournal(options: JournalOptions): Promise<Journal> {
  return openFile(options).catch(unwritable(options.folder))
}

async function openFile({ folder, fingerprint, now }: JournalOptions): Promise<Journal> {
  await makeFolder(folder)
  const names = await readdir(folder)
  const ending = `_${fingerprint}.partial.jsonl`
  const known = names.find((name) => name.endsWith(ending))?.slice(0, -ending.length)
  const lockDate = (date: string) => lockFile(join(folder, `${date}.lock`))
  const { date, unlock } =
    known === undefined
      ? await claimDate(now(), names, lockDate)
      : { date: known, unlock: await lockDate(known) }
  const path = join(folder, `${date}${ending}`)
  try {
    const { records, size } = await readRecords(path)
    return journalIn(await openAppendFile(path, size), path, { date, unlock, records })
  } catch (error) {
    await unlock()
    throw error
  }
}

function journalIn(
  file: AppendFile,
  path: string,
  { date, unlock, records }: Pick<Journal, 'date' | 'records'> & { unlock: () => Promise<void> },
): Journal {
  return {
    date,
    records,
    append: async (added) => {
      const lines = added.map((record) => `${JSON.stringify(record)}\n`).join('')
      await file
        .append(Buffer.from(lines))
        .then(() => file.sync())
        .catch(unwritable(path))
      for (const record of added) keep(records, record)
    },
    close: async () => {
      await file.close()
      await unlock()
    },
    remove: async () => {
      await file.close()
      await rm(path, { force: true })
      await unlock()
    },
  }
}

/** A journal of a run that is not stored. */
export function memoryJournal(now: () => Date): Journal {
  const records: Journal['records'] = new Map()
  return {
    date: formatDate(now()),
    records,
    append: (added) => {
      for (const record of added) keep(records, record)
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  }
}

function keep(records: Journal['records'], record: RowRecord): void {
  const rows = records.get(record.task) ?? new Map<number, RowRecord>()
  records.set(record.task, rows.set(record.row, record))
}

/**
 * Reads whole lines, which end at `size`; nothing where there is no file. What a loss of power leaves is no JSON and is
 * followed by no good line; anything else that is no record is not our doing, and nothing of it is cut off.
 */
async function readRecords(path: string): Promise<{ records: Journal['records']; size: number }> {
  const records: Journal['records'] = new Map()
  let good = 0
  let bad = false
  if (!(await isThere(path))) return { records, size: 0 }
  for await (const { bytes, end, isWhole } of readLines(path)) {
    if (!isWhole) break
    const line = parseObject(bytes.toString('utf8'))
    if (bad || (line !== undefined && !isRecord(line))) throw damaged(path, good)
    bad = line === undefined
    if (line === undefined) continue
    keep(records, line)
    good = end
  }
  return { records, size: good }
}

function isRecord(line: Record<string, unknown>): line is Record<string, unknown> & RowRecord {
  const { task, row, hash, target, input, raw, answer, score } = line
  return (
    [task, hash, target, input, raw, answer].every((text) => typeof text === 'string') &&
    Number.isSafeInteger(row) &&
    Number(row) >= 0 &&
    (score === undefined || isScore(score))
  )
}

function damaged(path: string, at: number): EvolmmError {
  return new EvolmmError(
    'JOURNAL_DAMAGED',
    `${path}: must hold lines as they were written, got something else at byte ${at}; delete the file to begin again`,
    { details: { path, at } },
  )
}

/** Files of runs begun in the same second would have the same names: the later one takes the next second. */
async function claimDate(
  now: Date,
  names: readonly string[],
  lock: (date: string) => Promise<() => Promise<void>>,
): Promise<{ date: string; unlock: () => Promise<void> }> {
  for (let time = now.getTime(); ; time += 1000) {
    const date = formatDate(new Date(time))
    if (names.some((name) => name.startsWith(date))) continue
    try {
      return { date, unlock: await lock(date) }
    } catch (error) {
      if (!(error instanceof EvolmmError)) throw error
    }
  }
}

function formatDate(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`
  return `${day}_${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`
}
