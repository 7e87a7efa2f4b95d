/** Takes a log back to the checkpoint that a run goes on from. */
import { open, stat } from 'node:fs/promises'
import { EvolmmError } from '@evolmm/internal'
import { iterLogFile, scanIterLog, unwritableLog } from './scan-iter-log'

/**
 * Cuts the log of the run in `folder` after the last line of `step`, whatever follows there: later iterations, a line
 * that a killed process did not finish, other bytes. The lines up to `step` are not touched, and a single system call
 * cuts, so that a kill at any moment leaves the log as it was or as it should be. A log that does not have every
 * iteration up to `step` is left as it is: `ITER_LOG_DAMAGED` when lines are missing or damaged before the end,
 * `ITER_LOG_INCOMPLETE` when it ends too early, `ITER_LOG_NOT_FOUND`, `ITER_LOG_VERSION`, `ITER_LOG_UNWRITABLE`.
 * Without a log, 0 steps are all there.
 */
export async function truncateIterLog(folder: string, step: number): Promise<void> {
  const file = iterLogFile(folder)
  const size = await sizeOf(file)
  if (step === 0 && size === undefined) return
  const end = await endOfStep(folder, step)
  if (end === size) return
  try {
    const handle = await open(file, 'r+')
    await handle
      .truncate(end)
      .then(() => handle.sync())
      .finally(() => handle.close())
  } catch (error) {
    throw unwritableLog(file, error)
  }
}

/** Bytes up to the end of a step. Throws as above for a log that does not have every iteration up to it. */
export async function endOfStep(folder: string, step: number): Promise<number> {
  if (step === 0) return 0
  let last = 0
  for await (const iteration of scanIterLog(folder)) {
    last = iteration.step
    if (last === step) return iteration.end
  }
  const file = iterLogFile(folder)
  throw new EvolmmError(
    'ITER_LOG_INCOMPLETE',
    `${file}: must hold the iterations up to step ${step}, ends after step ${last}; restore the file, or move it away and start a new run`,
    { details: { file, step, last } },
  )
}

async function sizeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.size
}
