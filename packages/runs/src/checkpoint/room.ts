/**
 * The room for checkpoints: what they take against what is free. A run that cannot keep what it learns does not begin, and
 * one whose disk fills up says so while there is time to make room.
 */
import { counted, formatBytes } from '@evolmm/internal'
import type { WarningListener } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import type { RunSettings } from '../settings'
import { findCheckpoints } from './find-checkpoints'

interface RoomOptions {
  /** The folder of the run. */
  folder: string
  /** What one checkpoint takes. */
  bytes: number
  /** Bytes that are free in the folder; `undefined` where nobody knows. */
  free: (folder: string) => Promise<number | undefined>
}

type Pace = Pick<RunSettings, 'save_every' | 'total_steps' | 'max_checkpoints'>

/** Throws `NO_SPACE` where the checkpoints that the run will write do not fit beside those that are there. */
export async function checkRoom(
  { folder, bytes, free }: RoomOptions,
  startStep: number,
  settings: Pace,
): Promise<void> {
  const there = (await findCheckpoints(folder)).filter(({ complete }) => complete).length
  const more = mostAtOnce({ ...settings, startStep, there }) - there
  const left = await free(folder)
  if (left === undefined || left >= more * bytes) return
  throw new EvolmmError(
    'NO_SPACE',
    `${folder}: must have ${formatBytes(more * bytes)} free for ${counted(more, 'checkpoint')} of ${formatBytes(bytes)} at a time, ` +
      `got ${formatBytes(left)}; make room, set max_checkpoints lower, or choose another folder`,
    { details: { folder, needed: more * bytes, free: left } },
  )
}

/** A new checkpoint is whole before the oldest one goes, so that one more than are kept are there for a moment. */
function mostAtOnce({
  save_every: every,
  total_steps: total,
  max_checkpoints: kept,
  ...from
}: Pace & { startStep: number; there: number }): number {
  const { startStep, there } = from
  const saves =
    every > 0 ? Math.ceil(total / every) - Math.floor(startStep / every) : Number(startStep < total)
  return startStep >= total ? there : Math.max(there + 1, Math.min(there + saves, kept + 1))
}

/**
 * Looks after each record whether the next checkpoint will fit, and warns once until one is written. `last` is the step of
 * the latest checkpoint, from which a run would go on.
 */
export function roomWatch(
  { folder, bytes, free }: RoomOptions,
  onWarning: WarningListener,
): (last: number) => Promise<void> {
  let warnedAfter: number | undefined
  return async (last) => {
    if (warnedAfter === last) return
    const left = await free(folder)
    if (left === undefined || left >= bytes) return
    warnedAfter = last
    onWarning(
      `${folder}: has ${formatBytes(left)} free, and the next checkpoint takes about ${formatBytes(bytes)}; ` +
        `without room for it what is learned after iteration ${last} is lost`,
      'DISK_NEARLY_FULL',
    )
  }
}
