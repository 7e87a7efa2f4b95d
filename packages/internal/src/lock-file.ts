/**
 * A file that says which process writes something, so that no second one does. One that a killed process left behind is
 * taken over; of a process on another machine nobody here knows whether it lives.
 */
import { randomBytes } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { EvolmmError } from './evolmm-error'

/**
 * Locks held by this process: its number alone says nothing about a file that an earlier process of that number left.
 */
const held = new Set<string>()

/** Returns what gives it back, or throws `OUTPUT_IN_USE`. */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  if (held.has(path)) throw inUse(path, `process ${process.pid}`)
  held.add(path)
  try {
    await take(path)
  } catch (error) {
    held.delete(path)
    throw error
  }
  return async () => {
    held.delete(path)
    await rm(path, { force: true })
  }
}

/** Milliseconds that another process may take between two of the steps below. */
const moment = 100

async function take(path: string): Promise<void> {
  const own = `${process.pid} ${hostname()} ${randomBytes(8).toString('hex')}`
  for (let contested = false; ;) {
    try {
      await writeFile(path, own, { flag: 'wx' })
      if (!contested) return
      // Whoever found the same leftover may have taken this file for it.
      await delay(moment)
      if ((await contentOf(path)) === own) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const content = await contentOf(path)
    const [pid = '', host = ''] = content.split(' ')
    if (host !== '' && host !== hostname()) throw inUse(path, `process ${pid} on ${host}`)
    if (isAlive(Number(pid))) throw inUse(path, `process ${pid}`)
    contested = true
    // An empty one may be about to be written.
    if (content === '') await delay(moment)
    if ((await contentOf(path)) === content) await rm(path, { force: true })
  }
}

/** Empty without one. */
function contentOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
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
