/** The log that everything else about a run can be made from: a file of JSON lines in the folder of the run. */
import { type AppendFile, openAppendFile } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import { storedMetrics } from '../records/metrics-of'
import type { StepRecord } from '../records/record'
import type { RecordKind } from '../records/record-kind'
import type { Tracker } from '../trackers/tracker'
import { toLogNumbers } from '../records/log-numbers'
import { codecOf, logFile, unwritableLog } from './scan-log'
import { truncateLog } from './truncate-log'

export interface RunLog<R extends StepRecord> extends Required<Tracker<R>> {
  /** Closes the file if no `finish` did, since an earlier call keeps failing. */
  abandon: () => Promise<void>
}

/**
 * One write for each iteration, synced by `flush`. A new run creates the file and throws `LOG_EXISTS` if there is one
 * with anything in it; a run that goes on cuts it to its start step first, and throws what `truncateLog` throws.
 */
export function runLog<R extends StepRecord>(kind: RecordKind<R>): RunLog<R> {
  const codec = codecOf(kind)
  let file: AppendFile | undefined
  const opened = () => {
    if (file !== undefined) return file
    throw new EvolmmError('NOT_STARTED', `${logName}: must be started before it logs; call start first`)
  }
  return {
    name: logName,
    start: async ({ folder, startStep }) => {
      file = await openLog(folder, kind, startStep)
    },
    log: async ({ record }) => {
      const kept = storedMetrics(kind.metrics, record)
      const more = kept && { metrics: toLogNumbers(kept) }
      const lines = codec.toLines(record).map((line) => `${JSON.stringify({ ...line, ...more })}\n`)
      await opened().append(Buffer.from(lines.join('')))
    },
    flush: async () => {
      await opened().sync()
    },
    finish: async () => {
      const last = opened()
      file = undefined
      await last.close()
    },
    abandon: async () => {
      await file?.close().catch(() => undefined)
      file = undefined
    },
  }
}

/** What messages call the tracker. */
export const logName = 'log'

async function openLog<R extends StepRecord>(
  folder: string,
  kind: RecordKind<R>,
  startStep: number,
): Promise<AppendFile> {
  const path = logFile(folder, kind)
  if (startStep > 0) await truncateLog(folder, kind, startStep)
  const file = await openAppendFile(path).catch((error: unknown) => {
    throw unwritableLog(path, error)
  })
  if (startStep > 0 || file.size === 0) return file
  await file.close()
  throw new EvolmmError(
    'LOG_EXISTS',
    `${path}: must not be there when a run begins, got one of ${file.size} bytes; choose another run name, or resume the run`,
    { details: { file: path, size: file.size } },
  )
}
