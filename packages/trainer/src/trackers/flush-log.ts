/** A run cannot go on from a checkpoint that its log does not reach. */
import { EvolmmError } from '@evolmm/internal'
import type { GuardedTracker } from './guarded'
import { iterLogFile } from './scan-iter-log'

/** Until every iteration is safe on disk; a slow one has a minute. Throws `UNWRITABLE_FILE`. */
export async function flushLog(folder: string, trackers: GuardedTracker): Promise<void> {
  const behind = () =>
    trackers.counts().find(({ name, missing, waiting }) => name === 'iter_log' && missing + waiting > 0)
  for (let tries = 0; tries === 0 || (tries < 6 && behind() !== undefined); tries++) await trackers.flush()
  const missing = behind()?.missing
  if (missing === undefined) return
  throw new EvolmmError(
    'UNWRITABLE_FILE',
    `${iterLogFile(folder)}: must have every iteration, safe on disk, before a checkpoint is written, got ${missing} that ` +
      'are not there; free space, check the rights of the folder, and start the run again',
    { details: { folder, missing } },
  )
}
