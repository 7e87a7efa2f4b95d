/** A disk that is full from some write on, and power that goes at some moment: a run goes on as if nothing had been. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleScript, drawn, sizedTest } from '@evolmm/internal/testing'
import { afterAll, beforeAll, expect } from 'vitest'
import { loseNames, type LostName } from './support/lose-names'

interface Report {
  /** 'finished', 'killed' or the code of an error. */
  end: string
  /** Writes, syncs and cuts of files. */
  count: number
  /** The same, and names that come, change and go. */
  moments: number
  synced: [inode: number, bytes: number][]
  /** Names of which no sync of their folder has said that they stay. */
  unsure: LostName[]
  /** The newest checkpoint that the run has called saved. */
  saved: string | null
}

/** The run has as many writes and moments. */
const all = 43
const allMoments = 72

let home: string
let script: Awaited<ReturnType<typeof bundleScript>>
let whole: Report
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-disk-'))
  script = await bundleScript(new URL('support/failing-disk.ts', import.meta.url))
  whole = play('whole')
  expect(whole).toMatchObject({ count: all, moments: allMoments })
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

/** All numbers below `end`, or a sample of them. */
const numbers = (end: number, sized: { count: number; seed: number }) =>
  drawn(
    Array.from({ length: end }, (_, i) => i),
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
    for (const at of numbers(whole.count, sized)) {
      const { end } = play('full', 'full', at)
      expect(end, `write ${at}`).toMatch(/^(finished|[A-Z_]+)$/)
      expectWhole('full')
    }
  },
)

sizedTest(
  'after a power cut a run goes on from what was synced, names included',
  { cuts: [2, 12, 2 * allMoments] },
  (sized) => {
    // Each moment twice: names that were not synced may be there or not.
    for (const number of numbers(2 * whole.moments, sized)) {
      const { synced, unsure, saved } = play('cut', 'power', number >> 1)
      cutFiles(join(home, 'cut'), new Map(synced))
      if (number % 2 === 0) loseNames(unsure)
      if (saved !== null) expect(existsSync(join(saved, 'SAVE_OK')), `${saved}, cut ${number}`).toBe(true)
      expectWhole('cut')
    }
  },
)

/** Cuts each file to the length that was synced, by its number. */
function cutFiles(folder: string, lengths: ReadonlyMap<number, number>): void {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const { ino, size } = statSync(join(folder, name))
    const length = lengths.get(ino)
    if (length !== undefined && length < size) truncateSync(join(folder, name), length)
  }
}
