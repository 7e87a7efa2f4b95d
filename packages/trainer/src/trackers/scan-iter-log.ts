/** Reads `iter_log.jsonl` iteration by iteration and holds it to what a run writes: all steps from 1, all their images. */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import type { IterLogLine } from './iter-log-line'

export interface ScannedIteration {
  step: number
  lines: [IterLogLine, ...IterLogLine[]]
  /** Bytes from the start of the file to the end of the last line. */
  end: number
}

export function iterLogFile(folder: string): string {
  return join(folder, 'iter_log.jsonl')
}

/**
 * Whole iterations, up to the end of the file. What a killed process left behind there (a line without its line feed,
 * the first images of an iteration) is left out. Throws `ITER_LOG_DAMAGED`, `ITER_LOG_VERSION` or
 * `ITER_LOG_NOT_FOUND`.
 */
export async function* scanIterLog(folder: string): AsyncGenerator<ScannedIteration, undefined> {
  const file = iterLogFile(folder)
  let lines: IterLogLine[] = []
  let step = 1
  let number = 0
  for await (const { text, end } of readLines(file)) {
    number++
    const line = parseLine(text)
    if (line === undefined) throw damaged(file, number, 'is not JSON of a known form')
    if (line.schema_version !== 1)
      throw new EvolmmError(
        'ITER_LOG_VERSION',
        `${file}: must be of schema_version 1, got ${String(line.schema_version)} in line ${number}; use the version of evolmm that wrote it`,
        { details: { file, line: number, version: line.schema_version } },
      )
    if (!isWhole(line)) throw damaged(file, number, 'lacks values')
    if (line.step !== step || line.image !== lines.length || line.images !== (lines[0] ?? line).images)
      throw damaged(
        file,
        number,
        `must be image ${lines.length} of step ${step}, got image ${line.image} of step ${line.step}`,
      )
    lines.push(line)
    if (lines.length < line.images) continue
    yield { step, lines: lines as [IterLogLine, ...IterLogLine[]], end }
    lines = []
    step++
  }
  return undefined
}

export function unwritableLog(file: string, cause: unknown): EvolmmError {
  return new EvolmmError(
    'ITER_LOG_UNWRITABLE',
    `${file}: must be a file that can be written, got ${cause instanceof Error ? cause.message : String(cause)}; check the folder of the run`,
    { details: { file }, cause },
  )
}

function damaged(file: string, line: number, what: string): EvolmmError {
  return new EvolmmError(
    'ITER_LOG_DAMAGED',
    `${file}: line ${line} ${what}; restore the file, or move it away and start a new run`,
    { details: { file, line } },
  )
}

function parseLine(text: string): (Partial<IterLogLine> & { schema_version?: unknown }) | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

const lists = [
  'question_faults',
  'solver_outputs',
  'solver_answers_raw',
  'solver_answers_norm',
  'solver_rewards_raw',
  'solver_rewards_soft',
  'solver_rewards',
  'solver_advantages',
  'pre_answer_word_counts',
  'solver_tokens',
  'solver_finish_reasons',
] as const

const counts = ['step', 'image', 'images'] as const
const optionalObjects = ['solver_update', 'proposer_update', 'probe'] as const

function isWhole(line: Partial<IterLogLine>): line is IterLogLine {
  const isObject = (value: unknown) => typeof value === 'object' && value !== null
  return (
    counts.every((key) => Number.isSafeInteger(line[key])) &&
    lists.every((key) => Array.isArray(line[key])) &&
    lists.slice(1).every((key) => line[key]?.length === line.solver_outputs?.length) &&
    optionalObjects.every((key) => typeof line[key] === 'object') &&
    isObject(line.watch) &&
    isObject(line.seconds)
  )
}

/** Lines that end in a line feed. (Node's own reader also splits at U+2028.) */
async function* readLines(file: string): AsyncGenerator<{ text: string; end: number }> {
  let rest: Buffer[] = []
  let end = 0
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      let start = 0
      for (let stop = chunk.indexOf(10); stop !== -1; stop = chunk.indexOf(10, start)) {
        const line = Buffer.concat([...rest, chunk.subarray(start, stop)])
        rest = []
        start = stop + 1
        end += line.length + 1
        yield { text: line.toString('utf8'), end }
      }
      rest.push(chunk.subarray(start))
    }
  } catch (error) {
    if (error instanceof EvolmmError) throw error
    throw new EvolmmError(
      'ITER_LOG_NOT_FOUND',
      `${file}: must be a readable file, got ${error instanceof Error ? error.message : String(error)}; pass the folder of a run`,
      { details: { file }, cause: error },
    )
  }
}
