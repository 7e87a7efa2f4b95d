/**
 * A file that says which process writes something, so that no second one does. One that a killed process left behind is
 * taken over; of a process on another machine nobody here knows whether it lives.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { EvolmmError } from './evolmm-error'

/** By this process: its own number says nothing about a file that an earlier process of that number left. */
const held = new Set<string>()

/** Returns what gives it back, or throws `OUTPUT_IN_USE`. */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  for (;;) {
    if (held.has(path)) throw inUse(path, `process ${process.pid}`)
    held.add(path)
    try {
      await writeFile(path, `${process.pid} ${hostname()}`, { flag: 'wx' })
      break
    } catch (error) {
      held.delete(path)
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const [pid = '', host = ''] = (await readFile(path, 'utf8').catch(() => '')).split(' ')
    if (host !== '' && host !== hostname()) throw inUse(path, `process ${pid} on ${host}`)
    if (isAlive(Number(pid))) throw inUse(path, `process ${pid}`)
    await rm(path, { force: true })
  }
  return async () => {
    held.delete(path)
    await rm(path, { force: true })
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function inUse(path: string, owner: string): EvolmmError {
  return new EvolmmError(
    'OUTPUT_IN_USE',
    `${path}: must be written by one process at a time, got ${owner} at work; wait for it, or delete the file if that process is gone`,
    { details: { path, owner } },
  )
}
