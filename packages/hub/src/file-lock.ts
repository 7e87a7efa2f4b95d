/**
 * Keeps processes from downloading the same file side by side. A courtesy: should it fail (a file system without
 * exclusive creation, a holder that slept), the download costs twice the traffic and is still right.
 */
import { hostname } from 'node:os'
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { HubSettings } from './hub-options'
import { makeFolder } from '@evolmm/internal/node'
import { pause } from './send'

/** Milliseconds between signs of life, and without one until the holder counts as gone. */
const heartbeat = 2_000
const patience = 15_000
const pollEvery = 100

interface LockOptions {
  signal: AbortSignal
  /** Waits between looks. */
  sleep: HubSettings['sleep']
}

/** Runs `work` while holding the lock; waits for another holder first. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await makeFolder(dirname(path))
  const owner = `${hostname()} ${process.pid}`
  // The clock of a shared disk may differ from ours, so silence is measured from when we first saw a sign of life.
  let sign: number | undefined
  let since = performance.now()
  while (!(await create(path, owner))) {
    options.signal.throwIfAborted()
    const { mtimeMs } = (await stat(path).catch(() => undefined)) ?? {}
    if (mtimeMs !== sign) [sign, since] = [mtimeMs, performance.now()]
    if (performance.now() - since > patience || (await isOrphan(path))) await rm(path, { force: true })
    else await pause(options.sleep, pollEvery, options.signal)
  }
  const timer = setInterval(() => {
    const now = new Date()
    void utimes(path, now, now).catch(() => undefined)
  }, heartbeat)
  timer.unref()
  try {
    return await work()
  } finally {
    clearInterval(timer)
    await rm(path, { force: true })
  }
}

async function create(path: string, owner: string): Promise<boolean> {
  try {
    await writeFile(path, owner, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Held by a process of this machine that no longer runs. */
async function isOrphan(path: string): Promise<boolean> {
  const [host, pid] = (await readFile(path, 'utf8').catch(() => '')).split(' ')
  if (host !== hostname() || !/^\d+$/.test(pid)) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
