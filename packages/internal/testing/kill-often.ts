/** SIGKILL at many moments of a run: while it begins, learns, writes files of a checkpoint, and ends. */
import { mkdir, readdir, watch } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { philox4x32 } from '../src/philox'
import type { Sized } from './sized-test'
import type { StartedProcess } from './start-process'

/** How fast a run is on this machine, in milliseconds. */
export interface Pace {
  /** From the start of the process to the first iteration. */
  startup: number
  /** The time that one iteration takes. */
  iteration: number
}

/** Measures a run of `steps` iterations that has just been started, from its first sign in `folder` to its end. */
export async function paceOf(folder: string, { ended }: StartedProcess, steps: number): Promise<Pace> {
  const begun = performance.now()
  // It is there from the start, so that it can be watched.
  await mkdir(folder, { recursive: true })
  await sight(folder, logged, ended)
  const startup = performance.now() - begun
  await ended
  return { startup, iteration: (performance.now() - begun - startup) / steps }
}

export interface KillOptions extends Sized {
  /** The folder of the run. */
  folder: string
  pace: Pace
  /** Starts the run, or goes on with it. It must have two iterations for each kill. */
  start: () => StartedProcess
  /** Names in the folder that appear or change when the run ends; a quarter of the kills is for that. @default none */
  ending?: RegExp
}

/** What the kills found. */
export interface KillsDone {
  /** Kills that came before the run had ended by itself, which only those at its end may miss. */
  killed: number
  /** Kills that left a checkpoint that was being written or removed. */
  halfWritten: number
  /** Kills that left the run's lock behind. */
  locked: number
}

/** Starts the run `count` times and kills it each time, at a moment that the seed draws. Throws if it ends otherwise. */
export async function killOften({
  folder,
  pace,
  start,
  ending,
  count,
  seed,
}: KillOptions): Promise<KillsDone> {
  await mkdir(folder, { recursive: true })
  const done = { killed: 0, halfWritten: 0, locked: 0 }
  const last = ending === undefined ? count : count - Math.ceil(count / 4)
  for (let n = 0; n < count; n++) {
    const { kill, ended } = start()
    // In [0, 1): how long after it could be killed it is.
    const moment = philox4x32([n, 0, 0, 0], [seed, 1])[0] / 2 ** 32
    const kind = n >= last ? 'ending' : (['beginning', 'writing', 'learning'] as const)[n % 3]
    if (kind === 'beginning') await wait(moment * pace.startup)
    else {
      const pattern = { writing: checkpoint, learning: logged, ending: ending ?? logged }[kind]
      await sight(folder, pattern, ended)
      await wait(moment * (kind === 'learning' ? 2 * pace.iteration : 20))
    }
    kill()
    const end = await ended
    if (end !== 'killed' && !(kind === 'ending' && end.startsWith('0 ')))
      throw new Error(`kill ${n} (${kind}): the run must go on until it is killed, got ${end}`)
    const names = await readdir(folder)
    if (end === 'killed') done.killed++
    if (names.some((name) => name.startsWith('.step_'))) done.halfWritten++
    if (names.includes('run.lock')) done.locked++
  }
  return done
}

/** A checkpoint that is being written, renamed or removed; an iteration in the log. */
const checkpoint = /^\.?step_/
const logged = /log\.jsonl$/

/** Waits until a name that matches appears, changes or goes, or until `end`. */
async function sight(folder: string, pattern: RegExp, end: Promise<unknown>): Promise<void> {
  const done = new AbortController()
  void end.then(() => {
    done.abort()
  })
  try {
    for await (const { filename } of watch(folder, { signal: done.signal }))
      if (pattern.test(filename ?? '')) return
  } catch (error) {
    if (!done.signal.aborted) throw error
  }
}
