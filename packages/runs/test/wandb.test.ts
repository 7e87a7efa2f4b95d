/** What a W&B server gets of a run, and what settings say about it. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { syncWandb, wandb } from '../src'
import { entry } from './support/entries'
import { stepsOf, upTo, codeOf, wandbRun } from './support/wandb-run'
import { apiKey, emptyRun } from './support/wandb-server'

const { at, options, connection, info, open, run, onlyRun } = wandbRun()

test('a run is there with its name, its configuration once, its axis, its numbers and texts', async () => {
  await run(1, 3)
  const there = onlyRun()
  expect(there).toMatchObject({ displayName: 'charts', exitCode: 0 })
  expect(JSON.parse(there.config ?? '')).toEqual({
    lr: { value: 1e-6 },
    lora_targets: { value: ['q_proj'] },
    _wandb: {
      value: {
        m: [
          { 1: 'train/global_step', 6: [3] },
          { 2: '*', 5: 1, 6: [1] },
        ],
      },
    },
  })
  expect(stepsOf(there)).toEqual([1, 2, 3])
  const last = JSON.parse(there.history[2] ?? '') as unknown
  expect(last).toMatchObject({
    'train/global_step': 3,
    reward: 0.45,
    loss: 0.015625,
    'loss/mean': 0.015625,
    'text/first': 'How many bars (3.0)?',
    'text/all': 'How many bars (3.0)?',
  })
  expect(JSON.parse(there.summary ?? '')).toEqual(last)
  expect(there.output[1]).toMatch(/^[\d-]+T[\d:.]+ step 2\/300 reward 0\.450 .*\n$/)
  expect(at.warnings).toEqual([])
})

test('WANDB_RESUME says what to do about a run that is there, or is not', async () => {
  at.server.runs.set('old', emptyRun())
  const start = async (WANDB_RUN_ID: string, WANDB_RESUME: string) => {
    rmSync(join(at.folder, 'wandb.json'), { force: true })
    rmSync(join(at.folder, 'wandb'), { recursive: true, force: true })
    at.warnings = []
    await run(1, 1, { environment: { WANDB_API_KEY: apiKey, WANDB_RUN_ID, WANDB_RESUME } })
    return at.warnings.map(({ code }) => code)
  }
  const refused = ['WANDB_REFUSED', 'WANDB_UNSENT']
  expect(await start('old', 'never')).toEqual(refused)
  expect(await start('old', 'must')).toEqual([])
  expect(await start('new-1', 'must')).toEqual(refused)
  expect(await start('new-2', 'never')).toEqual([])
  expect(await start('new-3', 'auto')).toEqual([])
  expect([...at.server.runs.keys()]).toEqual(['old', 'new-2', 'new-3'])
})

test('environment variables are honoured, and options win over them', async () => {
  const directory = join(at.folder, 'elsewhere')
  const variables = {
    WANDB_API_KEY: apiKey,
    WANDB_BASE_URL: at.server.url,
    WANDB_MODE: 'online',
    WANDB_ENTITY: 'team',
    WANDB_PROJECT: 'other',
    WANDB_NAME: 'shown',
    WANDB_RUN_ID: 'from-environment',
    WANDB_DIR: directory,
  }
  await run(1, 2, {
    mode: undefined,
    baseUrl: undefined,
    environment: variables,
    project: 'sqlm',
    runId: 'from-option',
  })
  expect([...at.server.runs.keys()]).toEqual(['from-option'])
  expect(onlyRun().displayName).toBe('shown')
  expect(existsSync(join(directory, 'wandb', 'evolmm-from-option', 'journal.jsonl'))).toBe(true)
  expect(await syncWandb(at.folder, connection())).toMatchObject({ steps: 2, uploaded: 0 })
})

test('images are uploaded before the line that names them, at the steps that were asked for', async () => {
  await sharp({ create: { width: 8, height: 4, channels: 3, background: '#00f' } })
    .png()
    .toFile(join(at.folder, 'image.png'))
  const tracker = open({ imagesEvery: 2 })
  await tracker.start(info())
  for (let step = 1; step <= 5; step++) {
    await tracker.log(entry(step, { picture: join(at.folder, 'image.png') }))
  }
  await tracker.finish({ step: 5, status: 'failed' })
  const there = onlyRun()
  const shown = there.history.map((line) => (JSON.parse(line ?? '') as Record<string, unknown>)['vis/image'])
  expect(shown.map((image) => image !== undefined)).toEqual([false, true, false, true, false])
  const { path } = shown[1] as { path: string }
  expect(shown[1]).toMatchObject({
    _type: 'image-file',
    format: 'png',
    width: 8,
    height: 4,
    caption: 'How many bars (2.0)?',
  })
  expect((await sharp(there.uploads.get(path)).metadata()).width).toBe(8)
  expect(there.uploaded).toEqual(expect.arrayContaining([path]))
  expect(there.exitCode).toBe(1)
})

test('the probe of the untrained model is step 0', async () => {
  const tracker = open()
  await tracker.start(info(0, { probe: { chartqa: 0.25 } }))
  await tracker.log(entry(1))
  await tracker.finish({ step: 1, status: 'finished' })
  expect(stepsOf(onlyRun())).toEqual([0, 1])
  expect(JSON.parse(onlyRun().history[0] ?? '')).toMatchObject({
    'eval/chartqa': 0.25,
    'train/global_step': 0,
  })
})

test('numbers that JSON does not have are sent as W&B writes them', async () => {
  const tracker = open()
  await tracker.start(info())
  await tracker.log(entry(1, { probe: { a: NaN, b: -Infinity } }))
  await tracker.finish({ step: 1, status: 'finished' })
  expect(JSON.parse(onlyRun().history[0] ?? '')).toMatchObject({ 'eval/a': 'NaN', 'eval/b': '-Infinity' })
})

test('a journal that was removed does not bring lines to where others are', async () => {
  await run(1, 10, {}, { status: 'stopped' })
  rmSync(join(at.folder, 'wandb'), { recursive: true })
  await run(9, 12)
  expect(stepsOf(onlyRun())).toEqual([...upTo(10), 9, 10, 11, 12])
  expect(at.server.conflicts).toEqual([])
})

test('disabled, nothing is sent or written', async () => {
  await run(1, 2, { mode: 'disabled' })
  await run(1, 2, { mode: undefined })
  expect(readdirSync(at.folder)).toEqual([])
  expect(at.server.runs.size).toBe(0)
})

test('without WANDB_API_KEY the key is what wandb login left for the server', async () => {
  const { hostname } = new URL(at.server.url)
  const netrc = join(at.folder, '.netrc')
  writeFileSync(
    netrc,
    `# machine ${hostname} password commented-out\nmachine api.wandb.ai login user password ${'e'.repeat(40)}\n` +
      `machine ${hostname}\n  login user\n  password ${apiKey}\nmachine elsewhere login me password other\n`,
  )
  await run(1, 2, { environment: { HOME: at.folder } })
  expect(at.server.runs.size).toBe(1)
  expect(at.warnings).toEqual([])
  const elsewhere = { environment: { NETRC: netrc }, baseUrl: 'http://unknown.example' }
  expect(await codeOf(() => wandb(options(elsewhere)))).toBe('WANDB_KEY_MISSING')
  expect(await codeOf(() => wandb(options({ environment: { NETRC: join(at.folder, 'none') } })))).toBe(
    'WANDB_KEY_MISSING',
  )
})
