/** Reads the log of a run iteration by iteration and holds it to what a run writes: all steps from 1, all their lines. */
import { join } from 'node:path'
import { isObject, parseObject } from '@evolmm/internal'
import { readLines } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import type { StepRecord } from '../records/record'
import type { RecordKind } from '../records/record-kind'
import { jsonLines, type LogCodec, type LogLine } from '../records/log-codec'
import { isLogNumber, type LogNumber } from '../records/log-numbers'

/** A line as it lies in the file: what its method wrote, and the numbers that nothing else in it has. */
export type StoredLine = LogLine & { metrics?: Readonly<Record<string, LogNumber>> }

export interface ScannedIteration {
  step: number
  lines: [StoredLine, ...StoredLine[]]
  /** Bytes from the start of the file to the end of the last line. */
  end: number
}

export function codecOf<R extends StepRecord>({ log }: Pick<RecordKind<R>, 'log'>): LogCodec<R> {
  return log ?? jsonLines('log.jsonl')
}

export function logFile<R extends StepRecord>(folder: string, kind: Pick<RecordKind<R>, 'log'>): string {
  return join(folder, codecOf(kind).file)
}

/**
 * Whole iterations, up to the end of the file. What a killed process left behind there (a line without its line feed,
 * the first lines of an iteration) is left out. Throws `LOG_DAMAGED`, `LOG_VERSION` or `LOG_NOT_FOUND`.
 */
export async function* scanLog<R extends StepRecord>(
  folder: string,
  kind: Pick<RecordKind<R>, 'log'>,
): AsyncGenerator<ScannedIteration, undefined> {
  const codec = codecOf(kind)
  const file = logFile(folder, kind)
  let lines: StoredLine[] = []
  let count = 1
  let step = 1
  let number = 0
  for await (const { text, end } of linesOf(file)) {
    number++
    const line = parseObject(text) as Partial<StoredLine> | undefined
    if (line === undefined) throw damaged(file, number, 'is not JSON of a known form')
    const { schema_version: version = 1 } = line
    if (version !== 1)
      throw new EvolmmError(
        'LOG_VERSION',
        `${file}: must be of schema_version 1, got ${String(version)} in line ${number}; use the version of evolmm that wrote it`,
        { details: { file, line: number, version } },
      )
    if (!isWhole(line, codec)) throw damaged(file, number, 'lacks values')
    const at = codec.placeOf?.(line) ?? { place: 0, count: 1 }
    if (lines.length === 0) count = at.count
    if (line.step !== step || at.place !== lines.length || at.count !== count)
      throw damaged(
        file,
        number,
        `must be line ${lines.length} of step ${step}, got line ${at.place} of step ${line.step}`,
      )
    lines.push(line)
    if (lines.length < count) continue
    yield { step, lines: lines as [StoredLine, ...StoredLine[]], end }
    lines = []
    step++
  }
  return undefined
}

/** The last step that stands in a file of which nothing else is known; 0 without any. */
export async function lastLoggedStep(file: string): Promise<number> {
  let last = 0
  for await (const { text } of linesOf(file)) {
    const step = parseObject(text)?.step
    if (typeof step === 'number' && Number.isSafeInteger(step)) last = Math.max(last, step)
  }
  return last
}

export function unwritableLog(file: string, cause: unknown): EvolmmError {
  return new EvolmmError(
    'LOG_UNWRITABLE',
    `${file}: must be a file that can be written, got ${cause instanceof Error ? cause.message : String(cause)}; check the folder of the run`,
    { details: { file }, cause },
  )
}

function isWhole<R>(line: Partial<StoredLine>, codec: LogCodec<R>): line is StoredLine {
  const { step, metrics } = line
  const hasMetrics = metrics === undefined || (isObject(metrics) && Object.values(metrics).every(isLogNumber))
  return Number.isSafeInteger(step) && hasMetrics && codec.isWhole(line)
}

function damaged(file: string, line: number, what: string): EvolmmError {
  return new EvolmmError(
    'LOG_DAMAGED',
    `${file}: line ${line} ${what}; restore the file, or move it away and start a new run`,
    { details: { file, line } },
  )
}

/** Lines that end in a line feed. */
async function* linesOf(file: string): AsyncGenerator<{ text: string; end: number }> {
  try {
    for await (const { bytes, end, isWhole } of readLines(file))
      if (isWhole) yield { text: bytes.toString('utf8'), end }
  } catch (error) {
    if (error instanceof EvolmmError)
      throw error.code === 'UNREADABLE_FILE'
        ? damaged(file, Number(error.details.line), 'is too long')
        : error
    throw new EvolmmError(
      'LOG_NOT_FOUND',
      `${file}: must be a readable file, got ${error instanceof Error ? error.message : String(error)}; pass the folder of a run`,
      { details: { file }, cause: error },
    )
  }
}
