/**
 * SIGKILL at many moments: while a run begins, while it learns, and while files of a checkpoint come and go. It ends as
 * if nothing had been.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleScript, killOften, paceOf, sizedTest, startProcess } from '@evolmm/internal/testing'
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

const start = (folder: string, steps: number) =>
  startProcess(script.file, [folder, images.folder, String(steps)])

sizedTest(
  'a run that was killed ends with the bytes of one that was not',
  { kills: [2, 12, 200] },
  async (sized) => {
    const { count } = sized
    const steps = Math.max(10, 2 * count)
    const whole = join(home, 'whole')
    const killed = join(home, 'killed')
    const first = start(whole, steps)
    const pace = await paceOf(whole, first, steps)
    expect(await first.ended).toBe('0 ')
    const done = await killOften({ folder: killed, pace, start: () => start(killed, steps), ...sized })
    expect(done.killed).toBe(count)
    // Of many, some found a checkpoint half written.
    if (count >= 50) expect(done.halfWritten).toBeGreaterThan(0)
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
