/**
 * SIGKILL at many moments: while a run begins, while it learns, and while files of a checkpoint come and go. It ends as
 * if nothing had been.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, watch } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { uniform } from '@evolmm/rl-core'
import { bundleScript, sizedTest } from '@evolmm/internal/testing'
import { afterAll, beforeAll, expect } from 'vitest'
import { timelessLog } from './support/timeless'
import { makeImages } from './support/tiny-run'

let images: Awaited<ReturnType<typeof makeImages>>
let script: Awaited<ReturnType<typeof bundleScript>>
let home: string
beforeAll(async () => {
  images = await makeImages(4)
  script = await bundleScript(new URL('support/killed-run.ts', import.meta.url))
  home = await mkdtemp(join(tmpdir(), 'evolmm-kills-'))
})
afterAll(async () => {
  script.remove()
  await images.remove()
  await rm(home, { recursive: true })
})

/** How a process ended: 'killed', or its exit code and what it wrote. */
function start(folder: string, steps: number) {
  const child = spawn(process.execPath, [script.file, folder, images.folder, String(steps)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = new Promise<string>((resolve) => {
    child.on('exit', (code, signal) => {
      resolve(signal === 'SIGKILL' ? 'killed' : `${code} ${errors}`)
    })
  })
  return { kill: () => child.kill('SIGKILL'), ended }
}

/** Waits until a name that matches appears, changes or goes, or until `end`. */
async function sight(folder: string, pattern: RegExp, end?: Promise<unknown>): Promise<void> {
  const done = new AbortController()
  void end?.then(() => {
    done.abort()
  })
  try {
    for await (const { filename } of watch(folder, { signal: done.signal }))
      if (pattern.test(filename ?? '')) return
  } catch (error) {
    if (!done.signal.aborted) throw error
  }
}

sizedTest(
  'a run that was killed ends with the bytes of one that was not',
  { kills: [3, 12, 200] },
  async ({ count, seed }) => {
    const steps = Math.max(10, 2 * count)
    const whole = join(home, 'whole')
    const killed = join(home, 'killed')
    const first = start(whole, steps)
    const begun = performance.now()
    await sight(home, /^whole$/)
    await sight(whole, /^iter_log/)
    const startup = performance.now() - begun
    expect(await first.ended).toBe('0 ')
    const iteration = (performance.now() - begun - startup) / steps

    // There from the start, so that it can be watched.
    await mkdir(killed)
    let writing = 0
    for (let n = 0; n < count; n++) {
      const child = start(killed, steps)
      // In [0, 1): how long after it could be killed it is.
      const moment = uniform([seed, 1], [n, 0, 0, 0])
      const kind = (['beginning', 'writing', 'learning'] as const)[n % 3]
      if (kind === 'beginning') await wait(moment * startup)
      else {
        // A checkpoint is being written, renamed or removed; or an iteration was logged.
        await sight(killed, kind === 'writing' ? /^\.?step_/ : /^iter_log/, child.ended)
        await wait(moment * (kind === 'writing' ? 20 : 2 * iteration))
      }
      const names = await readdir(killed).catch(() => [])
      child.kill()
      expect(await child.ended, `kill ${n}`).toBe('killed')
      if (names.some((name) => name.startsWith('.step_'))) writing++
    }
    // Of many, some found a checkpoint half written.
    if (count >= 50) expect(writing).toBeGreaterThan(0)
    expect(await start(killed, steps).ended).toBe('0 ')

    expect(await timelessLog(killed)).toEqual(await timelessLog(whole))
    const [before, last] = [steps - 1, steps].map((step) => `step_${String(step).padStart(5, '0')}`)
    const names = ['iter_log.jsonl', 'run.json', before, last]
    expect((await readdir(whole)).sort()).toEqual(names)
    expect((await readdir(killed)).sort()).toEqual(names)
    for (const role of ['solver', 'proposer']) {
      const adapter = (folder: string) => readFile(join(folder, last, role, 'adapter_model.safetensors'))
      expect(await adapter(killed)).toEqual(await adapter(whole))
    }
    expect(await readFile(join(killed, last, 'optimizer.safetensors'))).toEqual(
      await readFile(join(whole, last, 'optimizer.safetensors')),
    )
  },
)
