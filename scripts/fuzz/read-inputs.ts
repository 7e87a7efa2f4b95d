/** What a process does that reads inputs: all of it that is found out goes to files, so that it outlasts the process. */
import { appendFileSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { faultOf } from './fault-of'
import { knownCodes } from './known-codes'
import { mutated } from './mutate'
import type { FuzzedReader } from './readers'

export const limits = {
  /** Milliseconds of the processor and of the clock that an input may take. */
  cpu: 5000,
  clock: 20_000,
  memory: 2 ** 30,
  /** Failures of a reader that are shown; it is not asked any more after them. */
  failures: 5,
}

/** Where the start of a process takes all of its time, it reads these all the same. */
const fewest = 20

export interface Range {
  seed: number
  first: number
  last: number
  /** The time that the process has, its start included; null for all the time that the inputs take. */
  milliseconds: number | null
}

/** How far a process is: it stands in the file `place` before each input, and when all are read. */
export interface Place {
  /** The number of the input that is read next. */
  next: number
  /** The inputs that were read without an error. */
  accepted: number
  /** The most milliseconds of the processor that one took. */
  slowest: number
  /** How long inputs have been read. */
  milliseconds: number
}

export interface Failure {
  index: number
  what: string
}

/** Reads inputs from `first` on until the number or the time is reached. `home` holds `range`. */
export async function readInputs(reader: FuzzedReader, home: string): Promise<void> {
  const range = JSON.parse(readFileSync(join(home, 'range'), 'utf8')) as Range
  const codes = knownCodes()
  const corpus = await reader.corpus(home)
  const place: Place = { next: range.first, accepted: 0, slowest: 0, milliseconds: 0 }
  const file = openSync(join(home, 'place'), 'w')
  const say = () => writeSync(file, JSON.stringify(place).padEnd(128), 0)
  const start = performance.now()
  let failures = 0
  while (
    place.next < range.last &&
    failures < limits.failures &&
    (range.milliseconds === null ||
      performance.now() < range.milliseconds ||
      place.next < range.first + fewest)
  ) {
    const input = mutated(corpus, reader, range.seed, place.next)
    say()
    const { fault, accepted, milliseconds } = await readOne(
      () => reader.read(input, join(home, 'read')),
      codes,
    )
    const large = process.resourceUsage().maxRSS * 1024 > limits.memory
    const what =
      fault ??
      (milliseconds > limits.cpu ? 'more than 5 s of the processor' : undefined) ??
      (large ? 'more than 1 GB of memory' : undefined)
    if (what !== undefined) {
      failures++
      appendFileSync(join(home, 'failures'), `${JSON.stringify({ index: place.next, what })}\n`)
    }
    place.next++
    place.accepted += accepted ? 1 : 0
    place.slowest = Math.max(place.slowest, milliseconds)
    place.milliseconds = Math.round(performance.now() - start)
    // The largest size that a process had stays: a new one goes on.
    if (large) break
  }
  say()
}

async function readOne(
  read: () => Promise<unknown>,
  codes: ReadonlySet<string>,
): Promise<{ fault: string | undefined; accepted: boolean; milliseconds: number }> {
  const before = process.cpuUsage()
  const milliseconds = () => {
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
  try {
    await read()
    return { fault: undefined, accepted: true, milliseconds: milliseconds() }
  } catch (error) {
    return { fault: faultOf(error, codes), accepted: false, milliseconds: milliseconds() }
  }
}
