/** Takes a log back to the checkpoint that a run goes on from. */
import { open, stat } from 'node:fs/promises'
import { EvolmmError } from '../errors'
import type { StepRecord } from '../records/record'
import type { RecordKind } from '../records/record-kind'
import { logFile, scanLog, unwritableLog } from './scan-log'

/**
 * Cuts the log of the run in `folder` after the last line of `step`, whatever follows there: later iterations, a line
 * that a killed process did not finish, other bytes. The lines up to `step` are not touched, and a single system call
 * cuts, so that a kill at any moment leaves the log as it was or as it should be. A log that does not have every
 * iteration up to `step` is left as it is: `LOG_DAMAGED` when lines are missing or damaged before the end,
 * `LOG_INCOMPLETE` when it ends too early, `LOG_NOT_FOUND`, `LOG_VERSION`, `LOG_UNWRITABLE`. Without a log, 0 steps are
 * all there.
 */
export async function truncateLog<R extends StepRecord>(
  folder: string,
  kind: Pick<RecordKind<R>, 'log'>,
  step: number,
): Promise<void> {
  const file = logFile(folder, kind)
  const size = (await stat(file).catch(() => undefined))?.size
  if (step === 0 && size === undefined) return
  const end = await endOfStep(folder, kind, step)
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
export async function endOfStep<R extends StepRecord>(
  folder: string,
  kind: Pick<RecordKind<R>, 'log'>,
  step: number,
): Promise<number> {
  if (step === 0) return 0
  let last = 0
  for await (const iteration of scanLog(folder, kind)) {
    last = iteration.step
    if (last === step) return iteration.end
  }
  const file = logFile(folder, kind)
  throw new EvolmmError(
    'LOG_INCOMPLETE',
    `${file}: must hold the iterations up to step ${step}, ends after step ${last}; restore the file, or move it away and start a new run`,
    { details: { file, step, last } },
  )
}
