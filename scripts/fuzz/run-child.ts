import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { limits, type Failure, type Place, type Range } from './read-inputs'

/** Files in memory where the system has them: most of the time would go to the disk. */
export const workplace = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export interface ChildResult extends Place {
  failures: Failure[]
}

/**
 * Reads a range of inputs in a process of its own. How a process ended that broke off is a failure of the input that it
 * was at.
 */
export async function runChild(name: string, range: Range): Promise<ChildResult> {
  const home = mkdtempSync(join(workplace, 'evolmm-fuzz-'))
  try {
    writeFileSync(join(home, 'range'), JSON.stringify(range))
    const how = await ended(name, home)
    const place = placeIn(home) ?? { next: range.first, accepted: 0, slowest: 0, milliseconds: 0 }
    const failures = textOf(join(home, 'failures'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Failure)
    if (how === undefined) return { ...place, failures }
    return { ...place, next: place.next + 1, failures: [...failures, { index: place.next, what: how }] }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** What is wrong with the way in which the process ended, which is killed when it stays at one input for too long. */
async function ended(name: string, home: string): Promise<string | undefined> {
  const flags = ['--max-old-space-size=1024', '--throw-deprecation']
  const child = spawn(
    process.execPath,
    [...flags, process.argv[1], `--child=${home}`, `--reader=${name}`],
    // What a reader leaves in the folder of passing files goes with the folder.
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TMPDIR: home } },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)))
  let seen = { next: -1, at: Date.now() }
  let late = false
  const watch = setInterval(() => {
    const next = placeIn(home)?.next ?? seen.next
    if (next !== seen.next) seen = { next, at: Date.now() }
    late = Date.now() - seen.at > limits.clock
    if (late) child.kill('SIGKILL')
  }, 500)
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => {
        resolve(
          code === 0 ? undefined : late ? 'more than 20 s' : `the process ended: ${code ?? signal} ${said}`,
        )
      })
    })
  } finally {
    clearInterval(watch)
  }
}

/** Where the process is; nothing before it is anywhere, and for a place that is just being written. */
function placeIn(home: string): Place | undefined {
  try {
    return JSON.parse(textOf(join(home, 'place'))) as Place
  } catch {
    return undefined
  }
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
