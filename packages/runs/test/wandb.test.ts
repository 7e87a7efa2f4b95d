import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import sharp from 'sharp'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  EvolmmError,
  syncWandb,
  wandb,
  type RunInfo,
  type RunOutcome,
  type Tracker,
  type WandbConnectionOptions,
  type WandbOptions,
} from '../src'
import { entry } from './support/entries'
import { apiKey, emptyRun, wandbServer, type ServerRun, type WandbServer } from './support/wandb-server'

let folder: string
let server: WandbServer
let warnings: { code: string; message: string }[]
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-wandb-'))
  server = await wandbServer()
  warnings = []
})
afterEach(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

const environment = { WANDB_API_KEY: apiKey }

function options(given: WandbOptions = {}): WandbOptions {
  return {
    mode: 'online',
    baseUrl: server.url,
    environment,
    retryDelay: 1,
    uploadInterval: 1,
    onWarning: (message, code) => warnings.push({ message, code }),
    ...given,
  }
}

/** Those of them that say how the server is reached: what `syncWandb` takes. */
function connection(given: WandbConnectionOptions = {}): WandbConnectionOptions {
  const { mode, uploadInterval, ...rest } = options(given)
  expect([mode, uploadInterval]).toEqual(['online', 1])
  return rest
}

function info(startStep = 0, given: Partial<RunInfo> = {}): RunInfo {
  return {
    name: 'charts',
    folder,
    config: { lr: 1e-6, lora_targets: ['q_proj'] },
    totalSteps: 300,
    startStep,
    probe: null,
    ...given,
  }
}

/** The tracker of a mode in which there is something to do. */
const open = (given: WandbOptions = {}) => wandb(options(given)) as Required<Tracker>

async function run(
  from: number,
  to: number,
  given: WandbOptions = {},
  { status = 'finished', pause = 0 }: { status?: RunOutcome['status']; pause?: number } = {},
): Promise<void> {
  const tracker = wandb(options(given))
  await tracker.start?.(info(from - 1))
  for (let step = from; step <= to; step++) {
    await tracker.log?.(entry(step))
    if (pause > 0) await delay(pause)
  }
  await tracker.flush?.()
  await tracker.finish?.({ step: to, status })
}

function onlyRun(): ServerRun {
  expect(server.runs.size).toBe(1)
  return [...server.runs.values()][0]
}

function stepsOf({ history }: ServerRun): unknown[] {
  return Array.from(history, (line) =>
    line === undefined ? undefined : (JSON.parse(line) as { _step: number })._step,
  )
}

function upTo(n: number, from = 1): number[] {
  return Array.from({ length: n - from + 1 }, (_, i) => from + i)
}

async function codeOf(action: () => unknown): Promise<string | undefined> {
  try {
    await action()
    return undefined
  } catch (error) {
    if (!(error instanceof EvolmmError)) throw error
    return error.code
  }
}

/** The same numbers in the same order in every test run. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

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
  expect(warnings).toEqual([])
})

test('with a server that fails in three of ten requests no step is lost, doubled or out of place', async () => {
  for (const seed of [1, 2, 3]) {
    await server.close()
    server = await wandbServer({ faults: dice(seed) })
    rmSync(join(folder, 'wandb.json'), { force: true })
    rmSync(join(folder, 'wandb'), { recursive: true, force: true })
    await run(1, 120, {}, { pause: 1 })
    expect(stepsOf(onlyRun())).toEqual(upTo(120))
    expect(server.conflicts).toEqual([])
    expect(onlyRun().output.length).toBe(120)
    expect(onlyRun().exitCode).toBe(0)
    expect(server.counts.fault).toBeGreaterThan(0)
  }
})

test('a run that goes on continues its W&B run; steps that were there before are not sent again', async () => {
  await run(1, 57, {}, { status: 'stopped' })
  const { configs, exitCode } = onlyRun()
  expect(exitCode).toBe(255)
  await run(51, 80)
  const there = onlyRun()
  expect(stepsOf(there)).toEqual(upTo(80))
  expect(server.conflicts).toEqual([])
  expect(there).toMatchObject({ configs, exitCode: 0 })
})

test('killed without a word, with half a line written, it continues as well', async () => {
  const first = open()
  await first.start(info())
  for (let step = 1; step <= 20; step++) await first.log(entry(step))
  const state = () => JSON.parse(readFileSync(join(folder, 'wandb.json'), 'utf8')) as { sent: number }
  while (state().sent < 20) await delay(5)
  // What the process did not get to say: that the last ones are there.
  writeFileSync(join(folder, 'wandb.json'), JSON.stringify({ ...state(), sent: 3 }))
  writeFileSync(join(folder, 'wandb', 'journal.jsonl'), '{"history":{"_st', { flag: 'a' })
  await run(11, 30)
  expect(stepsOf(onlyRun())).toEqual(upTo(30))
  expect(server.conflicts).toEqual([])
  // Closes the file of the process that was.
  await first.finish({ step: 20, status: 'stopped' })
})

test('a server that never answers holds nothing up; the rest is uploaded later', async () => {
  const silent: typeof fetch = (_, init) =>
    new Promise((_, reject) => {
      init?.signal?.addEventListener('abort', () => {
        reject(new Error('aborted'))
      })
    })
  await run(1, 50, { fetch: silent, finishTimeout: 10 })
  expect(warnings).toEqual([
    {
      code: 'WANDB_UNSENT',
      message: `W&B: 50 of 50 steps are not uploaded; evolmm sync ${folder} does that`,
    },
  ])
  const synced = await syncWandb(folder, connection())
  expect(synced).toMatchObject({ steps: 50, uploaded: 50 })
  expect(stepsOf(onlyRun())).toEqual(upTo(50))
  expect(onlyRun().exitCode).toBe(0)
})

test('a server that is away is reported once, by its name', async () => {
  const refusing: typeof fetch = () => Promise.reject(new TypeError(`fetch failed for ${apiKey}`))
  await run(1, 3, { fetch: refusing, finishTimeout: 100 }, { pause: 20 })
  expect(warnings.filter(({ code }) => code === 'WANDB_UNREACHABLE').length).toBeGreaterThan(0)
  expect(warnings[0]?.message).toMatch(
    /^W&B: 127\.0\.0\.1:\d+ does not answer \(fetch failed for \*\*\*\); nothing is lost/,
  )
})

test('a refusal ends the uploads and is reported once; the journal goes on', async () => {
  await server.close()
  server = await wandbServer({ refuse: () => true })
  await run(1, 10, {}, { pause: 5 })
  expect(warnings.map(({ code }) => code)).toEqual(['WANDB_REFUSED', 'WANDB_UNSENT'])
  expect(server.counts.post).toBe(1)
  expect(
    readFileSync(join(folder, 'wandb', 'journal.jsonl'), 'utf8')
      .trimEnd()
      .split('\n').length,
  ).toBe(10)
})

test('a wrong key is a refusal, and no key is ever shown or kept', async () => {
  const wrong = 'f'.repeat(40)
  await run(1, 3, { apiKey: wrong })
  expect(warnings.map(({ code }) => code)).toEqual(['WANDB_REFUSED', 'WANDB_UNSENT'])
  expect(warnings[0]?.message).toContain('no such key: Basic ***, api:***')
  expect(JSON.stringify(warnings)).not.toContain(wrong)
  expect(await codeOf(() => syncWandb(folder, connection({ apiKey: wrong })))).toBe('WANDB_REFUSED')
  await run(4, 6)
  for (const file of allFiles(folder)) {
    expect(readFileSync(file, 'utf8')).not.toContain(wrong)
    expect(readFileSync(file, 'utf8')).not.toContain(apiKey)
    expect(readFileSync(file, 'utf8')).not.toContain(Buffer.from(`api:${apiKey}`).toString('base64'))
  }
})

function allFiles(root: string): string[] {
  return readdirSync(root).flatMap((name) => {
    const path = join(root, name)
    return statSync(path).isDirectory() ? allFiles(path) : [path]
  })
}

test('offline nothing is sent; syncing uploads it, once, and goes on where it was stopped', async () => {
  const offline: WandbOptions = { mode: 'offline', environment: {} }
  await run(1, 700, offline, { status: 'stopped' })
  await run(651, 1200, offline)
  expect(server.counts).toEqual({ graphql: 0, post: 0, put: 0, fault: 0 })

  // The server goes away after the first batch.
  let posts = 0
  const failing: typeof fetch = (input, init) =>
    posts++ >= 2 ? Promise.reject(new TypeError('fetch failed')) : fetch(input, init)
  expect(await codeOf(() => syncWandb(folder, { ...connection({ fetch: failing }), retries: 3 }))).toBe(
    'WANDB_UNREACHABLE',
  )
  expect(onlyRun().history.length).toBeGreaterThan(0)
  const uploaded = onlyRun().history.length
  expect(uploaded).toBeLessThan(1200)

  const [runId] = server.runs.keys()
  expect(await syncWandb(folder, connection())).toEqual({
    runId,
    url: `${server.url}/team/sqlm/runs/${runId}`,
    steps: 1200,
    uploaded: 1200 - uploaded,
  })
  expect(stepsOf(onlyRun())).toEqual(upTo(1200))
  expect(onlyRun()).toMatchObject({ exitCode: 0, configs: 1 })
  expect(server.conflicts).toEqual([])

  const { post } = server.counts
  expect(await syncWandb(folder, connection())).toMatchObject({ steps: 1200, uploaded: 0 })
  expect(server.counts.post).toBe(post)
})

test('syncing with a server that fails now and then loses and doubles nothing', async () => {
  await run(1, 1300, { mode: 'offline' })
  await server.close()
  server = await wandbServer({ faults: dice(4) })
  await syncWandb(folder, { ...connection(), retries: 100 })
  expect(stepsOf(onlyRun())).toEqual(upTo(1300))
  expect(server.conflicts).toEqual([])
})

test('a run id of ones own: what the server has of it stays, and what comes follows', async () => {
  const there = emptyRun()
  there.history = upTo(40).map((_step) => JSON.stringify({ _step }))
  there.output = ['old\n']
  server.runs.set('my-run', there)
  await run(1, 3, { environment: { ...environment, WANDB_RUN_ID: 'my-run' } })
  expect(stepsOf(there)).toEqual([...upTo(40), 1, 2, 3])
  expect(there.output.length).toBe(4)
  expect(server.conflicts).toEqual([])
})

test('WANDB_RESUME says what to do about a run that is there, or is not', async () => {
  server.runs.set('old', emptyRun())
  const start = async (WANDB_RUN_ID: string, WANDB_RESUME: string) => {
    rmSync(join(folder, 'wandb.json'), { force: true })
    rmSync(join(folder, 'wandb'), { recursive: true, force: true })
    warnings = []
    await run(1, 1, { environment: { ...environment, WANDB_RUN_ID, WANDB_RESUME } })
    return warnings.map(({ code }) => code)
  }
  const refused = ['WANDB_REFUSED', 'WANDB_UNSENT']
  expect(await start('old', 'never')).toEqual(refused)
  expect(await start('old', 'must')).toEqual([])
  expect(await start('new-1', 'must')).toEqual(refused)
  expect(await start('new-2', 'never')).toEqual([])
  expect(await start('new-3', 'auto')).toEqual([])
  expect([...server.runs.keys()]).toEqual(['old', 'new-2', 'new-3'])
})

test('environment variables are honoured, and options win over them', async () => {
  const directory = join(folder, 'elsewhere')
  const variables = {
    ...environment,
    WANDB_BASE_URL: server.url,
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
  expect([...server.runs.keys()]).toEqual(['from-option'])
  expect(onlyRun().displayName).toBe('shown')
  expect(existsSync(join(directory, 'wandb', 'evolmm-from-option', 'journal.jsonl'))).toBe(true)
  expect(await syncWandb(folder, connection())).toMatchObject({ steps: 2, uploaded: 0 })
})

test('images are uploaded before the line that names them, at the steps that were asked for', async () => {
  await sharp({ create: { width: 8, height: 4, channels: 3, background: '#00f' } })
    .png()
    .toFile(join(folder, 'image.png'))
  const tracker = open({ imagesEvery: 2 })
  await tracker.start(info())
  for (let step = 1; step <= 5; step++) {
    await tracker.log(entry(step, { picture: join(folder, 'image.png') }))
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
  rmSync(join(folder, 'wandb'), { recursive: true })
  await run(9, 12)
  expect(stepsOf(onlyRun())).toEqual([...upTo(10), 9, 10, 11, 12])
  expect(server.conflicts).toEqual([])
})

test('disabled, nothing is sent or written', async () => {
  await run(1, 2, { mode: 'disabled' })
  await run(1, 2, { mode: undefined })
  expect(readdirSync(folder)).toEqual([])
  expect(server.runs.size).toBe(0)
})

test('without WANDB_API_KEY the key is what wandb login left for the server', async () => {
  const { hostname } = new URL(server.url)
  const netrc = join(folder, '.netrc')
  writeFileSync(
    netrc,
    `# machine ${hostname} password commented-out\nmachine api.wandb.ai login user password ${'e'.repeat(40)}\n` +
      `machine ${hostname}\n  login user\n  password ${apiKey}\nmachine elsewhere login me password other\n`,
  )
  await run(1, 2, { environment: { HOME: folder } })
  expect(server.runs.size).toBe(1)
  expect(warnings).toEqual([])
  const elsewhere = { environment: { NETRC: netrc }, baseUrl: 'http://unknown.example' }
  expect(await codeOf(() => wandb(options(elsewhere)))).toBe('WANDB_KEY_MISSING')
  expect(await codeOf(() => wandb(options({ environment: { NETRC: join(folder, 'none') } })))).toBe(
    'WANDB_KEY_MISSING',
  )
})

test('what cannot be is one typed error, at once', async () => {
  const none = { environment: {} }
  expect(await codeOf(() => wandb(options(none)))).toBe('WANDB_KEY_MISSING')
  expect(await codeOf(() => wandb(options({ apiKey: 'two\nlines' })))).toBe('WANDB_KEY_MISSING')
  expect(await codeOf(() => wandb({ environment: { WANDB_MODE: 'sometimes' } }))).toBe('INVALID_OPTION')
  expect(await codeOf(() => wandb(options({ runId: 'a/b' })))).toBe('INVALID_OPTION')
  expect(await codeOf(() => wandb(options({ baseUrl: 'nowhere' })))).toBe('INVALID_OPTION')
  expect(await codeOf(() => wandb(options({ baseUrl: `http://me:${apiKey}@host` })))).toBe('INVALID_OPTION')
  expect(await codeOf(() => wandb(options({ imagesEvery: -1 })))).toBe('INVALID_OPTION')
  expect(await codeOf(() => open().log(entry(1)))).toBe('NOT_STARTED')
  expect(await codeOf(() => syncWandb(folder, connection()))).toBe('WANDB_NOTHING_TO_SYNC')
})

test.each([
  '{}',
  'null',
  ...['"config":null', '"config":[]', '"started":"x"', '"entity":1', '"sent":-1', '"output_base":null'],
  ...['"resume_checked":0', '"exit_code":"x"', '"completed":null', '"history_base":1.5'],
])('a wandb.json with %s is one typed error, and stays', async (part) => {
  await run(1, 3, { mode: 'offline' })
  const path = join(folder, 'wandb.json')
  const whole = JSON.stringify(JSON.parse(readFileSync(path, 'utf8')))
  const field = /^"\w+":/.exec(part)?.[0]
  const damaged =
    field === undefined ? part : whole.replace(new RegExp(`${field}(\\{[^}]*\\}|"[^"]*"|[^,}]*)`), part)
  expect(damaged).not.toBe(whole)
  writeFileSync(path, damaged)
  expect(await codeOf(() => syncWandb(folder, connection()))).toBe('WANDB_STATE_DAMAGED')
  expect(await codeOf(() => run(1, 1))).toBe('WANDB_STATE_DAMAGED')
  expect(readFileSync(path, 'utf8')).toBe(damaged)
})

test.each([
  ['"_step":2', '"_step":x'],
  ['"_step":3', '"_step":null'],
  ['"media":[]', '"media":null'],
  ['"media":[]', '"media":["../../secret.txt"]'],
  ['"media":[]', '"media":["media/../../../secret.txt"]'],
  ['"media":[]', '"media":["/etc/passwd"]'],
  ['"media":[]', '"media":["journal.jsonl"]'],
])('a journal that says %s as %s is left as it is', async (good, bad) => {
  await run(1, 3, { mode: 'offline' })
  const path = join(folder, 'wandb', 'journal.jsonl')
  const damaged = readFileSync(path, 'utf8').replace(good, bad)
  expect(damaged).toContain(bad)
  writeFileSync(path, damaged)
  expect(await codeOf(() => syncWandb(folder, connection()))).toBe('WANDB_JOURNAL_DAMAGED')
  expect(readFileSync(path, 'utf8')).toBe(damaged)
})

test('a picture that is a link to a file elsewhere is not uploaded', async () => {
  await run(1, 3, { mode: 'offline' })
  const journal = join(folder, 'wandb', 'journal.jsonl')
  writeFileSync(join(folder, 'secret.txt'), 'secret')
  mkdirSync(join(folder, 'wandb', 'media'), { recursive: true })
  symlinkSync(join(folder, 'secret.txt'), join(folder, 'wandb', 'media', 'a.png'))
  writeFileSync(journal, readFileSync(journal, 'utf8').replace('"media":[]', '"media":["media/a.png"]'))
  expect(await codeOf(() => syncWandb(folder, connection()))).toBe('WANDB_JOURNAL_DAMAGED')
})

test.each(['..', '../other', '/etc', '/tmp/wandb/evolmm-other'])(
  'a journal in %s is none of the run',
  async (directory) => {
    await run(1, 3, { mode: 'offline' })
    const path = join(folder, 'wandb.json')
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), directory }))
    expect(await codeOf(() => syncWandb(folder, connection()))).toBe('WANDB_STATE_DAMAGED')
  },
)
