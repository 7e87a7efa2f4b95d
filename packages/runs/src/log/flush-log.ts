/** A run cannot go on from a checkpoint that its log does not reach. */
import { EvolmmError } from '../errors'
import type { GuardedTracker } from '../trackers/guarded'
import { logName } from './run-log'

/** Waits until every iteration is safe in `file`; a slow disk has a minute. Throws `UNWRITABLE_FILE`. */
export async function flushLog(
  file: string,
  trackers: Pick<GuardedTracker, 'counts' | 'flush'>,
): Promise<void> {
  const behind = () =>
    trackers.counts().find(({ name, missing, waiting }) => name === logName && missing + waiting > 0)
  for (let tries = 0; tries === 0 || (tries < 6 && behind() !== undefined); tries++) await trackers.flush()
  const missing = behind()?.missing
  if (missing === undefined) return
  throw new EvolmmError(
    'UNWRITABLE_FILE',
    `${file}: must have every iteration, safe on disk, before a checkpoint is written, got ${missing} that ` +
      'are not there; free space, check the rights of the folder, and start the run again',
    { details: { file, missing } },
  )
}
