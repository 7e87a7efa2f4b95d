/** A run begins at the newest complete checkpoint of its folder, at one of choice, or at the start. */
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { EvolmmError } from '../errors'
import { readRunFile } from '../run-file'
import type { WarningListener } from '@evolmm/internal/node'
import { compareIdentity } from './compare-identity'
import { findCheckpoints, type FoundCheckpoint } from './find-checkpoints'

export interface StartingPointOptions {
  resume: 'auto' | 'never' | { checkpoint: string }
  identity: Readonly<Record<string, unknown>>
  readIdentity: (stored: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
  /** The file of the log. */
  log: string
  /** Hears of checkpoints that are passed over. */
  onWarning: WarningListener
}

/**
 * `undefined` for the start. Throws `WOULD_OVERWRITE` where the folder has what the run would overwrite,
 * `OTHER_CONFIGURATION`, or `INVALID_CHECKPOINT`.
 */
export async function startingPoint(
  folder: string,
  { resume, identity, readIdentity, log, onWarning }: StartingPointOptions,
): Promise<FoundCheckpoint | undefined> {
  const begun = await readRunFile(folder)
  if (begun !== undefined && resume === 'never')
    throw occupied(folder, 'a run that began before', 'resume it, or choose another run name')
  // The released code leaves such logs, for instance.
  if (begun === undefined && (await stat(log).catch(() => undefined))?.size)
    throw occupied(folder, 'a log without its run.json', 'choose another run name, or move the log away')
  if (begun !== undefined) compareIdentity(folder, readIdentity(begun.identity), identity)
  const found = await findCheckpoints(folder)
  for (const each of found)
    if (!each.complete)
      onWarning(`${each.folder}: was not written to its end; it is passed over`, 'CHECKPOINT_UNFINISHED')
  const newest = found.filter(({ complete }) => complete).at(-1)
  if (resume === 'auto') return newest
  if (resume === 'never') {
    if (newest === undefined) return undefined
    throw occupied(folder, `the checkpoint ${newest.folder}`, 'choose another run name, or move it away')
  }
  const wanted = resolve(resume.checkpoint)
  const chosen = (await findCheckpoints(dirname(wanted))).find((each) => each.folder === wanted)
  if (chosen?.complete !== true)
    throw new EvolmmError(
      'INVALID_CHECKPOINT',
      `resume: must be the folder of a complete checkpoint, got ${wanted}; choose a step_NNNNN with SAVE_OK in it`,
      { details: { option: 'resume', folder: wanted } },
    )
  if (newest !== undefined && newest.folder !== wanted)
    throw occupied(
      folder,
      `the later checkpoint ${newest.folder}`,
      'go on from that with resume auto, or choose another run name to branch off',
    )
  return chosen
}

function occupied(folder: string, what: string, how: string): EvolmmError {
  return new EvolmmError(
    'WOULD_OVERWRITE',
    `${folder}: must have nothing that the run would overwrite, got ${what}; ${how}`,
    { details: { folder } },
  )
}
