/** The rows of one task that the journal does not have yet: asked, cleaned, scored, noted down. */
import { createHash } from 'node:crypto'
import type { DataRow } from '@evolmm/dataset'
import type { WarningListener } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import type { Ask, SampleRequest } from '../ask'
import { askEach, isRefusal, type Refusal } from '../ask-each'
import { questionsAtOnce } from '../question-runs'
import { checkScore } from '../scoring/check-score'
import { cleanAnswer } from '../scoring/clean-answer'
import type { Score, Task } from '../task'
import type { Journal, RowRecord, ScoredRecord } from './journal'
import type { OpenTask, EvaluatedRun } from './selection'
import type { RowCounter } from './progress'
import { rowRequest } from './row-request'

export interface RunRowsOptions {
  ask: Ask
  run: EvaluatedRun
  journal: Journal
  onRows: RowCounter
  /** Hears of each row that cannot be asked. */
  onWarning: WarningListener
}

interface Numbered {
  index: number
  row: DataRow
}

/** A wrong line of one's own shows before hours of work, not when its turn comes. Parquet would be read twice. */
export async function checkRows(one: OpenTask): Promise<void> {
  const { task, data, start, end } = one
  if (!('file' in task.source) || task.source.file.endsWith('.parquet')) return
  let index = start
  for await (const row of data.read(start, end)) {
    atRow(one, index, () => [task.prompt(row), task.target(row)])
    index++
  }
}

/**
 * A row that cannot be asked is unscored, with the reason in its details. Where that is so of all rows, the fault is not
 * with them: nothing of it is noted down, and the reason is thrown.
 */
export async function runRows(one: OpenTask, options: RunRowsOptions): Promise<void> {
  const { task, data } = one
  const { run, journal, onRows } = options
  onRows(task.name, 0)
  const record = (index: number) => journal.records.get(task.name)?.get(index)
  let batch: Numbered[] = []
  let anyAnswered = journal.records.has(task.name)
  let unasked: Unasked[] = []
  const finish = async () => {
    if (batch.length === 0) return
    run.signal?.throwIfAborted()
    const rows = batch
    batch = []
    const { answered, refused } = await answerBatch(one, rows, options)
    unasked.push(...refused)
    const { scored, failure } = await scoreBatch(task, answered, run)
    anyAnswered ||= scored.length > 0
    if (!anyAnswered) return
    const noted = unasked
    unasked = []
    await journal.append([...scored, ...noted.map(({ record: unscored }) => unscored)])
    for (const { record: unscored, reason } of noted)
      options.onWarning(
        `${task.name}, ${data.placeOf(unscored.row)}: ${reason.message}; the row is unscored`,
        'ROW_UNSCORED',
      )
    if (failure !== undefined) throw failure.reason
    onRows(task.name, scored.length + noted.length)
  }
  for (const [start, end] of missingRanges(one, (index) => record(index)?.score === undefined)) {
    let index = start
    for await (const row of data.read(start, end)) {
      batch.push({ index: index++, row })
      if (batch.length === (run.settings.batch_size ?? questionsAtOnce)) await finish()
    }
  }
  await finish()
  for (const { record: unscored, reason } of unasked)
    atRow(one, unscored.row, () => {
      throw reason
    })
}

/** Ranges of rows that are still to do, [start, end). */
function missingRanges({ start, end }: OpenTask, missing: (index: number) => boolean): [number, number][] {
  const ranges: [number, number][] = []
  for (let index = start; index < end; index++) {
    if (!missing(index)) continue
    const last = ranges.at(-1)
    if (last?.[1] === index) last[1]++
    else ranges.push([index, index + 1])
  }
  return ranges
}

/** A row with the record of its answer. */
interface AnsweredRow {
  row: DataRow
  record: RowRecord
}

interface Unasked {
  record: ScoredRecord
  reason: EvolmmError
}

/** Records without scores; rows that were answered before are not asked again. */
async function answerBatch(
  one: OpenTask,
  rows: readonly Numbered[],
  { ask, run, journal }: RunRowsOptions,
): Promise<{ answered: AnsweredRow[]; refused: Unasked[] }> {
  const { task, settings: generation, until } = one
  const before = journal.records.get(task.name)
  const missing = rows
    .filter(({ index }) => !before?.has(index))
    .map(({ index, row }) => ({
      index,
      row,
      request: atRow(one, index, () => rowRequest(task, row, index, run.settings)),
    }))
  const outcomes: (string[] | Refusal)[] = await askEach(
    missing.map(({ request }) => request),
    (requests: readonly SampleRequest[]) => ask(requests, generation),
  )
  const answered = rows.flatMap(({ index, row }): AnsweredRow[] => {
    const record = before?.get(index)
    return record === undefined ? [] : [{ row, record }]
  })
  const refused: Unasked[] = []
  for (const [i, { index, row, request }] of missing.entries()) {
    const outcome = outcomes[i]
    const raw = isRefusal(outcome) ? '' : outcome[0]
    const record = {
      task: task.name,
      row: index,
      hash: rowHash(row),
      target: atRow(one, index, () => task.target(row)),
      input: request.prompt,
      raw,
      answer: cleanAnswer(raw, { until, mode: run.settings.mode }),
    }
    if (isRefusal(outcome)) {
      const { refused: reason } = outcome
      refused.push({ record: { ...record, score: await unscored(task, row, reason, run) }, reason })
    } else answered.push({ row, record })
  }
  return { answered, refused }
}

/** What the row would be worth with no answer, but that nobody knows; what is summed up by is there. */
async function unscored(
  task: Task,
  row: DataRow,
  { message }: EvolmmError,
  { settings: { mode, seed } }: EvaluatedRun,
): Promise<Score> {
  const { values, details } = checkScore(task, await task.score(row, '', { mode, seed, fallback: 'wrong' }))
  return {
    values: Object.fromEntries(Object.keys(values).map((name) => [name, null])),
    parsed: null,
    details: { ...details, unscored: message },
  }
}

/** All that could be scored; a row whose scoring failed is kept without a score, to be scored when the run is resumed. */
async function scoreBatch(
  task: Task,
  answered: readonly AnsweredRow[],
  { settings: { mode, seed }, judge, fallback, signal }: EvaluatedRun,
): Promise<{ scored: RowRecord[]; failure?: { reason: unknown } | undefined }> {
  // At once: a judge far away answers a batch in the time of one row.
  const settled = await Promise.allSettled(
    answered.map(async ({ row, record: { answer } }) =>
      checkScore(task, await task.score(row, answer, { mode, judge, fallback, seed, signal })),
    ),
  )
  return {
    scored: answered.map(({ record }, i) => {
      const outcome = settled[i]
      return outcome.status === 'fulfilled' ? { ...record, score: outcome.value } : record
    }),
    failure: settled.find((outcome) => outcome.status === 'rejected'),
  }
}

/** An error about a row says which one it is, and where it is. */
function atRow<T>({ task, data }: Pick<OpenTask, 'task' | 'data'>, row: number, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof EvolmmError)) throw cause
    const { code, message, details } = cause
    throw new EvolmmError(code, `${task.name}, ${data.placeOf(row)}: ${message}`, {
      details: { ...details, task: task.name, row },
      cause,
    })
  }
}

/** SHA-256 of the row as JSON, bytes left out. */
function rowHash(row: DataRow): string {
  const text = JSON.stringify(row, (_, value: unknown) => (value instanceof Uint8Array ? undefined : value))
  return createHash('sha256').update(text).digest('hex')
}
