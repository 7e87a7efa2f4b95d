/** One process for a run at a time: two would write into each other's log and checkpoints. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { unwritable } from './unwritable'

/** Returns how to let go. Throws `RUN_IN_USE` while another process has the run; one that was killed has not. */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'run.lock')
  const owner = `${hostname()} ${process.pid}`
  for (let tries = 0; tries < 2; tries++) {
    try {
      await writeFile(file, owner, { flag: 'wx' })
      return () => rm(file, { force: true })
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') unwritable(file)(cause)
    }
    const holder = await readFile(file, 'utf8').catch(() => '')
    if (tries > 0 || !isGone(holder)) throw inUse(folder, file, holder)
    await rm(file, { force: true })
  }
  throw inUse(folder, file, owner)
}

/** Was a process of this machine that no longer runs, or this very process. */
function isGone(holder: string): boolean {
  const [host, pid] = holder.split(' ')
  if (host !== hostname()) return holder === ''
  if (Number(pid) === process.pid) return true
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function inUse(folder: string, file: string, holder: string): EvolmmError {
  const [host, pid] = holder.split(' ')
  return new EvolmmError(
    'RUN_IN_USE',
    `${folder}: must be used by one process at a time, got process ${pid} on ${host}; ` +
      `end that one, choose another run name, or remove ${file} if no such process runs`,
    { details: { folder, file, holder } },
  )
}
