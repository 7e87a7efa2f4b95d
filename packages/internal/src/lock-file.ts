/**
 * A file that says which process writes something, so that no second one does. One that a killed process left behind is
 * taken over. Nobody here knows whether a process on another machine lives; whoever waits takes silence for an answer.
 */
import { randomBytes } from 'node:crypto'
import { rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { EvolmmError } from './errors'
import { readSmallText } from './read-small-file'
import { pause, type Sleep } from './retrying'

export interface LockWaiting {
  signal?: AbortSignal | undefined
  /** The function waits between two looks at the lock. @default a timer */
  sleep?: Sleep | undefined
}

/** Paths that this process holds: its own number says nothing about a file that an earlier process of it left. */
const held = new Set<string>()

/** Milliseconds that another process may take between two of its steps. */
const moment = 100

/** Milliseconds between signs of life, and without one until the holder counts as gone. */
const heartbeat = 2_000
const patience = 15_000

/**
 * Returns what gives the lock back. Without `waiting`, throws `OUTPUT_IN_USE` while another holds it. With it, waits, gives
 * signs of life while it holds the lock, and expects them of others; all who take a lock must do so in the same way.
 */
export async function lockFile(path: string, waiting?: LockWaiting): Promise<() => Promise<void>> {
  // The clock of a shared disk may differ from ours, so silence is measured from when we first saw a sign of life.
  let [sign, since] = [undefined as number | undefined, performance.now()]
  for (let owner = await take(path); owner !== undefined; owner = await take(path)) {
    if (waiting === undefined) throw inUse(path, owner)
    waiting.signal?.throwIfAborted()
    const { mtimeMs } = (await stat(path).catch(() => undefined)) ?? {}
    if (mtimeMs !== sign) [sign, since] = [mtimeMs, performance.now()]
    if (performance.now() - since > patience) await rm(path, { force: true })
    else await pause(moment, waiting.signal, waiting.sleep)
  }
  const timer = waiting && setInterval(() => void touch(path), heartbeat).unref()
  return async () => {
    clearInterval(timer)
    held.delete(path)
    await rm(path, { force: true })
  }
}

/** The owner that is in the way; undefined once the lock is ours. */
async function take(path: string): Promise<string | undefined> {
  if (held.has(path)) return `process ${process.pid}`
  held.add(path)
  let owner: string | undefined = 'nobody'
  try {
    owner = await create(path)
  } finally {
    if (owner !== undefined) held.delete(path)
  }
  return owner
}

async function create(path: string): Promise<string | undefined> {
  const own = `${process.pid} ${hostname()} ${randomBytes(8).toString('hex')}`
  for (let contested = false; ;) {
    try {
      await writeFile(path, own, { flag: 'wx' })
      if (!contested) return undefined
      // Whoever found the same leftover may have taken this file for it.
      await delay(moment)
      if ((await contentOf(path)) === own) return undefined
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const content = await contentOf(path)
    const [pid = '', host = ''] = content.split(' ')
    if (host !== '' && host !== hostname()) return `process ${pid} on ${host}`
    if (isAlive(Number(pid))) return `process ${pid}`
    contested = true
    // An empty one may be about to be written.
    if (content === '') await delay(moment)
    if ((await contentOf(path)) === content) await rm(path, { force: true })
  }
}

/** Empty where there is no file, or one that no lock can be. */
function contentOf(path: string): Promise<string> {
  return readSmallText(path).catch(() => '')
}

async function touch(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now).catch(() => undefined)
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
