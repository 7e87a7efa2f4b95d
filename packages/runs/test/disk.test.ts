/** A disk that is full from some write on, and power that goes at some moment: a run goes on as if nothing had been. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleScript, drawn, sizedTest } from '@evolmm/internal/testing'
import { afterAll, beforeAll, expect } from 'vitest'

interface Report {
  /** 'finished', 'killed' or the code of an error. */
  end: string
  /** Writes, syncs and cuts of files. */
  count: number
  synced: [inode: number, bytes: number][]
}

/** As many moments as the run has. */
const all = 40

let home: string
let script: Awaited<ReturnType<typeof bundleScript>>
let whole: Report
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-disk-'))
  script = await bundleScript(new URL('support/failing-disk.ts', import.meta.url))
  whole = play('whole')
  expect(whole.count).toBe(all)
})
afterAll(() => {
  script.remove()
  rmSync(home, { recursive: true })
})

function play(name: string, how = 'not', at = -1): Report {
  const file = join(home, 'report.json')
  rmSync(file, { force: true })
  const args = [script.file, join(home, name), file, how, String(at)]
  if (how === 'not') execFileSync(process.execPath, args)
  else
    expect(spawnSync(process.execPath, args)).toMatchObject(
      how === 'power' ? { signal: 'SIGKILL' } : { status: 0 },
    )
  return JSON.parse(readFileSync(file, 'utf8')) as Report
}

/** Every moment, or a sample of them. */
const moments = (sized: { count: number; seed: number }) =>
  drawn(
    Array.from({ length: whole.count }, (_, i) => i),
    sized,
  )

/** Goes on to the end, which must have the bytes of a run that was not disturbed, and nothing besides. */
function expectWhole(name: string): void {
  expect(play(name).end).toBe('finished')
  const files = (folder: string) =>
    readdirSync(join(home, folder), { recursive: true, encoding: 'utf8' }).sort()
  expect(files(name)).toEqual(files('whole'))
  for (const file of ['log.jsonl', 'step_00009/optimizer.safetensors'])
    expect(readFileSync(join(home, name, file))).toEqual(readFileSync(join(home, 'whole', file)))
  rmSync(join(home, name), { recursive: true })
}

sizedTest(
  'a full disk is one typed error, and the run goes on once there is room',
  { writes: [2, 12, all] },
  (sized) => {
    for (const at of moments(sized)) {
      const { end } = play('full', 'full', at)
      expect(end, `write ${at}`).toMatch(/^(finished|[A-Z_]+)$/)
      expectWhole('full')
    }
  },
)

sizedTest('after a power cut a run goes on from what was synced', { cuts: [2, 12, all] }, (sized) => {
  for (const at of moments(sized)) {
    const { synced } = play('cut', 'power', at)
    const lengths = new Map(synced)
    const folder = join(home, 'cut')
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const { ino, size } = statSync(join(folder, name))
      const length = lengths.get(ino)
      if (length !== undefined && length < size) truncateSync(join(folder, name), length)
    }
    expectWhole('cut')
  }
})
