/** The log that everything else about a run can be made from: `iter_log.jsonl`, in the folder of the run. */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { EvolmmError } from '@evolmm/internal'
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
  let log: OpenLog | undefined
  const opened = () => {
    if (log !== undefined) return log
    throw new EvolmmError('NOT_STARTED', 'iter_log: must be started before it logs; call start first')
  }
  return {
    name: 'iter_log',
    start: async ({ folder, startStep }) => {
      log = await openLog(folder, startStep)
    },
    log: async (record) => {
      const current = opened()
      const bytes = Buffer.from(
        toLines(record)
          .map((line) => `${JSON.stringify(line)}\n`)
          .join(''),
      )
      try {
        await writeAll(current.handle, bytes, current.size)
      } catch (error) {
        // Half an iteration, on a full disk for instance, must not stay before the next one.
        await current.handle.truncate(current.size).catch(() => undefined)
        throw error
      }
      current.size += bytes.length
    },
    flush: async () => {
      await opened().handle.sync()
    },
    finish: async () => {
      const { handle } = opened()
      log = undefined
      await handle.sync().finally(() => handle.close())
    },
  }
}

interface OpenLog {
  handle: FileHandle
  /** Bytes of whole iterations, where the next one goes. */
  size: number
}

async function openLog(folder: string, startStep: number): Promise<OpenLog> {
  const file = iterLogFile(folder)
  if (startStep > 0) await truncateIterLog(folder, startStep)
  // Created if it is not there, never emptied.
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT).catch((error: unknown) => {
    throw unwritableLog(file, error)
  })
  const { size } = await handle.stat()
  if (startStep > 0 || size === 0) return { handle, size }
  await handle.close()
  throw new EvolmmError(
    'ITER_LOG_EXISTS',
    `${file}: must not be there when a run begins, got one of ${size} bytes; choose another run name, or resume the run`,
    { details: { file, size } },
  )
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, start: number): Promise<void> {
  let done = 0
  while (done < bytes.length)
    done += (await handle.write(bytes, done, bytes.length - done, start + done)).bytesWritten
}
