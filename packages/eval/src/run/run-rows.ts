/** The rows of one task that the journal does not have yet: asked, cleaned, scored, noted down. */
import { createHash } from 'node:crypto'
import type { Row } from '@evolmm/dataset'
import { EvolmmError } from '../errors'
import type { Ask } from '../ask'
import { checkScore } from '../scoring/check-score'
import { cleanAnswer } from '../scoring/clean-answer'
import type { Task } from '../task'
import type { Journal, RowRecord } from './journal'
import type { OpenTask, Run } from './selection'
import type { RowCounter } from './progress'
import { rowRequest } from './row-request'

export interface RunRowsOptions {
  ask: Ask
  run: Run
  journal: Journal
  onRows: RowCounter
}

interface Numbered {
  index: number
  row: Row
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

export async function runRows(one: OpenTask, options: RunRowsOptions): Promise<void> {
  const { task, data } = one
  const { run, journal, onRows } = options
  onRows(task.name, 0)
  const record = (index: number) => journal.records.get(task.name)?.get(index)
  let batch: Numbered[] = []
  const finish = async () => {
    if (batch.length === 0) return
    run.signal?.throwIfAborted()
    const rows = batch
    batch = []
    const known = await answerBatch(one, rows, options)
    const { scored, failure } = await scoreBatch(task, rows, known, run)
    await journal.append(scored)
    if (failure !== undefined) throw failure.reason
    onRows(task.name, rows.length)
  }
  for (const [start, end] of missingRanges(one, (index) => record(index)?.score === undefined)) {
    let index = start
    for await (const row of data.read(start, end)) {
      batch.push({ index: index++, row })
      if (batch.length === run.settings.batch_size) await finish()
    }
  }
  await finish()
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

/** Records without scores; rows that were answered before are not asked again. */
async function answerBatch(
  one: OpenTask,
  rows: readonly Numbered[],
  { ask, run: { settings: asked }, journal }: RunRowsOptions,
): Promise<RowRecord[]> {
  const { task, settings: generation, until } = one
  const before = journal.records.get(task.name)
  const missing = rows
    .filter(({ index }) => !before?.has(index))
    .map(({ index, row }) => ({
      index,
      row,
      request: atRow(one, index, () => rowRequest(task, row, index, asked)),
    }))
  const requests = missing.map(({ request }) => request)
  const answers = requests.length === 0 ? [] : await ask(requests, generation)
  const fresh = new Map(
    missing.map(({ index, row, request }, i) => {
      const [text] = answers[i]
      return [
        index,
        {
          task: task.name,
          row: index,
          hash: rowHash(row),
          target: atRow(one, index, () => task.target(row)),
          input: request.prompt,
          raw: text,
          answer: cleanAnswer(text, { until, mode: asked.mode }),
        },
      ]
    }),
  )
  return rows.flatMap(({ index }) => before?.get(index) ?? fresh.get(index) ?? [])
}

/** All that could be scored; a row whose scoring failed is kept without a score, to be scored when the run is resumed. */
async function scoreBatch(
  task: Task,
  rows: readonly Numbered[],
  records: readonly RowRecord[],
  { settings: { mode, seed }, judge, fallback, signal }: Run,
): Promise<{ scored: RowRecord[]; failure?: { reason: unknown } | undefined }> {
  // At once: a judge far away answers a batch in the time of one row.
  const settled = await Promise.allSettled(
    records.map(async ({ answer }, i) =>
      checkScore(task, await task.score(rows[i].row, answer, { mode, judge, fallback, seed, signal })),
    ),
  )
  return {
    scored: records.map((record, i) => {
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
function rowHash(row: Row): string {
  const text = JSON.stringify(row, (_, value: unknown) => (value instanceof Uint8Array ? undefined : value))
  return createHash('sha256').update(text).digest('hex')
}
