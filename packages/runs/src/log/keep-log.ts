/** A log must not be lost with the checkpoints that were made along with it. */
import { constants } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { parse, join } from 'node:path'
import { isThere, unwritable, type WarningListener } from '@evolmm/internal/node'
import { lastLoggedStep } from './scan-log'

export interface KeepLogOptions {
  /** The step that the run goes on from, after which the log is cut. */
  startStep: number
  /** Iterations from one checkpoint to the next, 0 for none before the last. */
  saveEvery: number
  /** Iterations after which the run that wrote the log was finished, and saved. */
  totalSteps: number
  onWarning: WarningListener
}

/**
 * Copies a log that goes further beyond the checkpoint than a run that was killed can have gone, or that is of a finished
 * run without any checkpoint: then checkpoints were there that somebody removed, and the rest of the log is all that is
 * left of them. Throws `UNWRITABLE_FILE`.
 */
export async function keepLog(
  file: string,
  { startStep, saveEvery, totalSteps, onWarning }: KeepLogOptions,
): Promise<void> {
  if (!(await isThere(file))) return
  const last = await lastLoggedStep(file)
  const farthest = saveEvery === 0 ? Infinity : startStep + saveEvery
  const wasFinished = startStep === 0 && last >= totalSteps
  if (last <= farthest && !wasFinished) return
  const aside = await freeName(file, last)
  await copyFile(file, aside, constants.COPYFILE_EXCL).catch(unwritable(aside))
  const from = startStep === 0 ? 'the start' : `step ${startStep}`
  onWarning(
    `${file}: should end near the newest checkpoint, got ${last} iterations and a run that goes on from ${from}, since ` +
      `its later checkpoints are gone; what was logged is kept in ${aside}`,
    'CHECKPOINTS_GONE',
  )
}

/** A name that says up to which step the log goes. */
async function freeName(file: string, step: number): Promise<string> {
  const { dir, name, ext } = parse(file)
  for (let n = 1; ; n++) {
    const path = join(dir, `${name}.kept_${String(step).padStart(5, '0')}${n === 1 ? '' : `_${n}`}${ext}`)
    if (!(await isThere(path))) return path
  }
}
