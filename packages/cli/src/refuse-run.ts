/**
 * The folder of a run is refused where a checkpoint or an adapter is wanted, and so is a checkpoint that it does not
 * have any more.
 */
import { basename, join } from 'node:path'
import { isThere } from '@evolmm/internal/node'
import { findCheckpoints } from '@evolmm/runs'
import { EvolmmError } from './errors'

/** A checkpoint by its path, or a folder in it. */
const checkpoint = /^(.*?)[\\/]*step_\d{5,}([\\/]|$)/

/** Throws `INVALID_OPTION` naming the newest complete checkpoint of the run, if there is one. */
export async function refuseRun(
  setting: string,
  path: string,
  wanted: 'an adapter' | 'a checkpoint',
): Promise<void> {
  const there = await isThere(path)
  const run = there ? path : checkpoint.exec(path)?.[1]
  if (run === undefined || (await isThere(join(run, 'adapter_config.json')))) return
  const found = await findCheckpoints(run === '' ? '.' : run).catch(() => [])
  const newest = found.filter(({ complete }) => complete).at(-1)
  if (newest === undefined) return
  const [got, whose] = there ? ['that of a run', 'its'] : ['nothing there', "the run's"]
  throw new EvolmmError(
    'INVALID_OPTION',
    `${setting} ${JSON.stringify(path)}: must be the folder of ${wanted}, got ${got}; ${whose} newest checkpoint is ${join(run, basename(newest.folder))}`,
    { details: { option: setting, value: path } },
  )
}
