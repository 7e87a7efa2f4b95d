/** A method that nothing but its own file knows of: its flags, its run on disk, killed and gone on with, its trackers. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleScript } from '@evolmm/internal/testing'
import { readSources, resolve } from '@evolmm/settings'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { findCheckpoints, readLog, run, statusLine, type RunInfo, type RunOptions } from '../src'
import { bandit, banditSettings, type Pull } from './support/bandit'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-toy-'))
})
afterEach(() => {
  rmSync(home, { recursive: true })
})

type Given = Parameters<typeof resolve<(typeof banditSettings)['rows']>>[1]
type Options = RunOptions<Pull, (typeof banditSettings)['rows']>

const play = (name: string, given: Given = {}, options: Partial<Options> = {}) =>
  run(bandit, {
    folder: join(home, name),
    settings: resolve(banditSettings, { total_steps: 40, save_every: 10, tensorboard: false, ...given }),
    ...options,
  })

const log = (name: string) => readFileSync(join(home, name, 'log.jsonl'), 'utf8')

async function pulls(name: string): Promise<Pull[]> {
  const records: Pull[] = []
  for await (const each of readLog(join(home, name), bandit)) records.push(each)
  return records
}

test('it learns, and its run is a folder like that of any method', async () => {
  expect(await play('first', { total_steps: 300 })).toEqual({ step: 300, status: 'finished' })
  const records = await pulls('first')
  expect(records).toHaveLength(300)
  expect(records[0].best).toBe(0.25)
  expect(records[299].best).toBeGreaterThan(0.6)
  expect(readdirSync(join(home, 'first')).sort()).toEqual([
    'log.jsonl',
    'run.json',
    'step_00290',
    'step_00300',
  ])
  expect(JSON.parse(readFileSync(join(home, 'first/run.json'), 'utf8'))).toMatchObject({
    ...{ schema_version: 1, method: 'bandit', name: 'first', probe: null },
    config: { arms: 4, lr: 0.3, total_steps: 300 },
    identity: { arms: 4, lr: 0.3, seed: 42 },
  })
})

test('flags, environment and files are its settings, and mistakes are named', async () => {
  const { settings, sources } = await readSources(banditSettings, {
    flags: { arms: '3', 'save-every': '5' },
    environment: { LR: '0.1', EVOLMM_TOTAL_STEPS: '12' },
    file: { path: 'my.json', values: { seed: 7, lr: 0.5 } },
  })
  expect(settings).toMatchObject({ arms: 3, save_every: 5, lr: 0.1, total_steps: 12, seed: 7 })
  expect(sources).toMatchObject({ arms: 'flag', lr: 'environment', seed: 'file', resume: 'default' })
  await expect(readSources(banditSettings, { flags: { max_steps: '3' } })).rejects.toThrow(
    '--max_steps: must be a setting of a bandit, got an unknown name; it is total_steps here',
  )
  await expect(run(bandit, { folder: home, settings: { ...settings } })).rejects.toThrow(
    /^settings: must be those of a bandit as resolve returns them/,
  )
})

test('killed between checkpoints, as often as it takes, it ends with the bytes of a run that was not', async () => {
  const script = await bundleScript(new URL('support/killed-bandit.ts', import.meta.url))
  onTestFinished(script.remove)
  const start = (name: string) => fork(script.file, [join(home, name), '60'], { stdio: 'inherit' })
  expect(await once(start('whole'), 'exit')).toEqual([0, null])
  for (const last of [3, 10, 20, 25, 41]) {
    const child = start('killed')
    child.on('message', (step) => {
      if (Number(step) >= last) child.kill('SIGKILL')
    })
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
  }
  expect(await once(start('killed'), 'exit')).toEqual([0, null])
  expect(log('killed')).toBe(log('whole'))
  for (const file of ['optimizer.safetensors'])
    expect(readFileSync(join(home, 'killed/step_00060', file))).toEqual(
      readFileSync(join(home, 'whole/step_00060', file)),
    )
  expect(readdirSync(join(home, 'killed')).sort()).toEqual(readdirSync(join(home, 'whole')).sort())
})

test('what killed processes left aside goes when the run goes on, and nothing else', async () => {
  await play('left', { total_steps: 10 })
  const names = () => readdirSync(join(home, 'left')).sort()
  writeFileSync(join(home, 'left', '.report.html.kept'), '')
  const before = names()
  for (const name of ['report.html', 'run.json', 'step_00010'])
    writeFileSync(join(home, 'left', `.${name}.1-0123abcd.tmp`), 'half')
  await play('left', { total_steps: 10 })
  expect(names()).toEqual(before)
})

test('stopped, it saves and goes on; from a checkpoint of choice it branches off; other settings are refused', async () => {
  const stop = new AbortController()
  const onRecord = ({ step }: Pull) => {
    if (step === 23) stop.abort()
  }
  expect(await play('parts', {}, { signal: stop.signal, onRecord })).toEqual({ step: 23, status: 'stopped' })
  await expect(play('parts', { lr: 1 })).rejects.toMatchObject({
    code: 'OTHER_CONFIGURATION',
    details: { changed: ['lr'] },
  })
  await expect(play('parts', { resume: 'never' })).rejects.toMatchObject({ code: 'WOULD_OVERWRITE' })
  expect(await play('parts')).toEqual({ step: 40, status: 'finished' })
  await play('whole')
  expect(log('parts')).toBe(log('whole'))
  await play('branch', { resume: join(home, 'whole/step_00030') })
  expect(log('branch')).toBe(log('whole'))
})

test('trackers follow it by its table of numbers', async () => {
  vi.stubEnv('WANDB_API_KEY', '')
  onTestFinished(() => void vi.unstubAllEnvs())
  const written: string[] = []
  const status = statusLine({
    output: { write: (text) => written.push(text) },
    everySeconds: 0,
    clock: () => 0,
  })
  const infos: RunInfo[] = []
  await play(
    'tracked',
    { total_steps: 3, tensorboard: true, wandb_mode: 'offline', wandb_project: 'toys' },
    { trackers: [status, { name: 'mine', start: (info) => void infos.push(info) }], name: 'my bandit' },
  )
  const [{ reward }] = await pulls('tracked')
  expect(written[0]).toBe(`1/3, - it/s, 0 s left, reward ${Number(reward.toPrecision(3))}\n`)
  expect(infos).toMatchObject([{ name: 'my bandit', totalSteps: 3, startStep: 0, config: { arms: 4 } }])
  const folder = join(home, 'tracked')
  const events = readdirSync(folder).find((name) => name.startsWith('events.out.tfevents.')) ?? ''
  expect(readFileSync(join(folder, events), 'latin1')).toMatch(/reward.*best/s)
  const [line] = readFileSync(join(folder, 'wandb/journal.jsonl'), 'utf8').split('\n')
  expect(JSON.parse(line)).toMatchObject({ history: { reward, best: 0.25, _step: 1 } })
  expect(JSON.parse(readFileSync(join(folder, 'wandb.json'), 'utf8'))).toMatchObject({ project: 'toys' })
})

test('a state with a number that is none is never saved: the checkpoint before it stands', async () => {
  // The second step takes the exponential of 1e30.
  await expect(play('overflow', { lr: 1e30, save_every: 1 })).rejects.toMatchObject({
    code: 'NOT_FINITE',
    message: expect.stringMatching(
      /^checkpoint of step 2: must hold finite numbers alone, got another one in preferences;/,
    ) as string,
  })
  expect(
    (await findCheckpoints(join(home, 'overflow'))).map(({ step, complete }) => [step, complete]),
  ).toEqual([[1, true]])
})

test('a checkpoint of another step than its name says is refused before the log is cut', async () => {
  await play('renamed')
  const file = join(home, 'renamed/step_00040/trainer_state.json')
  writeFileSync(file, readFileSync(file, 'utf8').replace('"step": 40', '"step": 4'))
  const before = log('renamed')
  await expect(play('renamed', { total_steps: 50 })).rejects.toMatchObject({
    code: 'INVALID_CHECKPOINT',
    message: expect.stringMatching(
      /step_00040: must be of the step that its name says, got step 4 in/,
    ) as string,
  })
  expect(log('renamed')).toBe(before)
})

test('a log whose checkpoints are gone is kept aside, and that is said', async () => {
  await play('gone')
  const whole = log('gone')
  for (const { folder } of await findCheckpoints(join(home, 'gone'))) rmSync(folder, { recursive: true })
  const warnings: string[][] = []
  const onWarning = (...warning: string[]) => void warnings.push(warning)
  await play('gone', { total_steps: 15 }, { onWarning })
  expect(await pulls('gone')).toHaveLength(15)
  const kept = join(home, 'gone/log.kept_00040.jsonl')
  expect(readFileSync(kept, 'utf8')).toBe(whole)
  expect(warnings).toEqual([
    [
      `${join(home, 'gone/log.jsonl')}: should end near the newest checkpoint, got 40 iterations and a run that goes on ` +
        `from the start, since its later checkpoints are gone; what was logged is kept in ${kept}`,
      'CHECKPOINTS_GONE',
    ],
  ])

  // The newest of several alone: what comes after the one before it is kept too, under a name that is free.
  copyFileSync(kept, join(home, 'gone/log.jsonl'))
  await play('gone', { total_steps: 15 }, { onWarning })
  expect(readFileSync(join(home, 'gone/log.kept_00040_2.jsonl'), 'utf8')).toBe(whole)
  expect(warnings[1][0]).toContain('goes on from step 15')
  await play('gone', { total_steps: 15 }, { onWarning })
  expect(warnings).toHaveLength(2)
})

test('a run that was killed on its way to the next checkpoint keeps no second log', async () => {
  const onWarning = vi.fn()
  await expect(
    play(
      'killed',
      {},
      {
        onRecord: ({ step }) => {
          if (step === 8) throw new Error('killed')
        },
      },
    ),
  ).rejects.toThrow('killed')
  rmSync(join(home, 'killed/step_00008'), { recursive: true })
  await play('killed', {}, { onWarning })
  await play('whole')
  expect(log('killed')).toBe(log('whole'))
  expect(readdirSync(join(home, 'killed')).sort()).toEqual([
    'log.jsonl',
    'run.json',
    'step_00030',
    'step_00040',
  ])
  expect(onWarning).not.toHaveBeenCalled()
})

test.each([0, 50])(
  'a finished run whose one checkpoint is gone loses no log, with save_every %i',
  async (save_every) => {
    const name = `last-${save_every}`
    const given = { save_every, total_steps: 6 }
    await play(name, given)
    const whole = log(name)
    rmSync(join(home, name, 'step_00006'), { recursive: true })
    const onWarning = vi.fn()
    await play(name, given, { onWarning })
    expect(log(name)).toBe(whole)
    expect(readFileSync(join(home, name, 'log.kept_00006.jsonl'), 'utf8')).toBe(whole)
    expect(onWarning).toHaveBeenCalledTimes(1)
  },
)

test('a run that saves its last state alone and was killed before that keeps no second log', async () => {
  const given = { save_every: 0, total_steps: 6 }
  const onRecord = ({ step }: Pull) => {
    if (step === 4) throw new Error('killed')
  }
  await expect(play('early', given, { onRecord })).rejects.toThrow('killed')
  rmSync(join(home, 'early/step_00004'), { recursive: true })
  const onWarning = vi.fn()
  await play('early', given, { onWarning })
  expect(readdirSync(join(home, 'early')).sort()).toEqual(['log.jsonl', 'run.json', 'step_00006'])
  expect(onWarning).not.toHaveBeenCalled()
})
