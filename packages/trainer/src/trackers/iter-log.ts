/** The log that everything else about a run can be made from: `iter_log.jsonl`, in the folder of the run. */
import { EvolmmError } from '@evolmm/internal'
import { openAppendFile, type AppendFile } from './append-file'
import { toLines } from './iter-log-line'
import { iterLogFile, unwritableLog } from './scan-iter-log'
import type { Tracker } from './tracker'
import { truncateIterLog } from './truncate-iter-log'

/**
 * One line for each image, one write for each iteration, synced by `flush`. A new run creates the file and throws
 * `ITER_LOG_EXISTS` if there is one with anything in it; a run that goes on cuts it to its start step first, and throws
 * what `truncateIterLog` throws.
 */
export function iterLog(): Tracker {
  let file: AppendFile | undefined
  const opened = () => {
    if (file !== undefined) return file
    throw new EvolmmError('NOT_STARTED', 'iter_log: must be started before it logs; call start first')
  }
  return {
    name: 'iter_log',
    start: async ({ folder, startStep }) => {
      file = await openLog(folder, startStep)
    },
    log: async (record) => {
      const lines = toLines(record).map((line) => `${JSON.stringify(line)}\n`)
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
  }
}

async function openLog(folder: string, startStep: number): Promise<AppendFile> {
  const path = iterLogFile(folder)
  if (startStep > 0) await truncateIterLog(folder, startStep)
  const file = await openAppendFile(path).catch((error: unknown) => {
    throw unwritableLog(path, error)
  })
  if (startStep > 0 || file.size === 0) return file
  await file.close()
  throw new EvolmmError(
    'ITER_LOG_EXISTS',
    `${path}: must not be there when a run begins, got one of ${file.size} bytes; choose another run name, or resume the run`,
    { details: { file: path, size: file.size } },
  )
}
