/** Servers that fail, runs that were stopped or killed, and uploads that come later: no step is lost, doubled or out of place. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { syncWandb, type WandbOptions } from '../src'
import { entry } from './support/entries'
import { stepsOf, upTo, codeOf, wandbRun } from './support/wandb-run'
import { apiKey, emptyRun, wandbServer } from './support/wandb-server'

const { at, connection, info, open, run, onlyRun } = wandbRun()

/** The same numbers in the same order in every test run. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

test('with a server that fails in three of ten requests no step is lost, doubled or out of place', async () => {
  for (const seed of [1, 2, 3]) {
    await at.server.close()
    at.server = await wandbServer({ faults: dice(seed) })
    rmSync(join(at.folder, 'wandb.json'), { force: true })
    rmSync(join(at.folder, 'wandb'), { recursive: true, force: true })
    await run(1, 120, {}, { pause: 1 })
    expect(stepsOf(onlyRun())).toEqual(upTo(120))
    expect(at.server.conflicts).toEqual([])
    expect(onlyRun().output.length).toBe(120)
    expect(onlyRun().exitCode).toBe(0)
    expect(at.server.counts.fault).toBeGreaterThan(0)
  }
})

test('a run that goes on continues its W&B run; steps that were there before are not sent again', async () => {
  await run(1, 57, {}, { status: 'stopped' })
  const { configs, exitCode } = onlyRun()
  expect(exitCode).toBe(255)
  await run(51, 80)
  const there = onlyRun()
  expect(stepsOf(there)).toEqual(upTo(80))
  expect(at.server.conflicts).toEqual([])
  expect(there).toMatchObject({ configs, exitCode: 0 })
})

test('killed without a word, with half a line written, it continues as well', async () => {
  const first = open()
  await first.start(info())
  for (let step = 1; step <= 20; step++) await first.log(entry(step))
  const state = () => JSON.parse(readFileSync(join(at.folder, 'wandb.json'), 'utf8')) as { sent: number }
  while (state().sent < 20) await delay(5)
  // What the process did not get to say: that the last ones are there.
  writeFileSync(join(at.folder, 'wandb.json'), JSON.stringify({ ...state(), sent: 3 }))
  writeFileSync(join(at.folder, 'wandb', 'journal.jsonl'), '{"history":{"_st', { flag: 'a' })
  await run(11, 30)
  expect(stepsOf(onlyRun())).toEqual(upTo(30))
  expect(at.server.conflicts).toEqual([])
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
  expect(at.warnings).toEqual([
    {
      code: 'WANDB_UNSENT',
      message: `W&B: 50 of 50 steps are not uploaded; evolmm sync ${at.folder} does that`,
    },
  ])
  const synced = await syncWandb(at.folder, connection())
  expect(synced).toMatchObject({ steps: 50, uploaded: 50 })
  expect(stepsOf(onlyRun())).toEqual(upTo(50))
  expect(onlyRun().exitCode).toBe(0)
})

test('a server that is away is reported once, by its name', async () => {
  const refusing: typeof fetch = () => Promise.reject(new TypeError(`fetch failed for ${apiKey}`))
  await run(1, 3, { fetch: refusing, finishTimeout: 100 }, { pause: 20 })
  expect(at.warnings.filter(({ code }) => code === 'WANDB_UNREACHABLE').length).toBeGreaterThan(0)
  expect(at.warnings[0]?.message).toMatch(
    /^W&B: 127\.0\.0\.1:\d+ does not answer \(fetch failed for \*\*\*\); nothing is lost/,
  )
})

test('a refusal ends the uploads and is reported once; the journal goes on', async () => {
  await at.server.close()
  at.server = await wandbServer({ refuse: () => true })
  await run(1, 10, {}, { pause: 5 })
  expect(at.warnings.map(({ code }) => code)).toEqual(['WANDB_REFUSED', 'WANDB_UNSENT'])
  expect(at.server.counts.post).toBe(1)
  expect(
    readFileSync(join(at.folder, 'wandb', 'journal.jsonl'), 'utf8')
      .trimEnd()
      .split('\n').length,
  ).toBe(10)
})

test('a wrong key is a refusal, and no key is ever shown or kept', async () => {
  const wrong = 'f'.repeat(40)
  await run(1, 3, { apiKey: wrong })
  expect(at.warnings.map(({ code }) => code)).toEqual(['WANDB_REFUSED', 'WANDB_UNSENT'])
  expect(at.warnings[0]?.message).toContain('no such key: Basic ***, api:***')
  expect(JSON.stringify(at.warnings)).not.toContain(wrong)
  expect(await codeOf(() => syncWandb(at.folder, connection({ apiKey: wrong })))).toBe('WANDB_REFUSED')
  await run(4, 6)
  for (const file of allFiles(at.folder)) {
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
  expect(at.server.counts).toEqual({ graphql: 0, post: 0, put: 0, fault: 0 })

  // The at.server goes away after the first batch.
  let posts = 0
  const failing: typeof fetch = (input, init) =>
    posts++ >= 2 ? Promise.reject(new TypeError('fetch failed')) : fetch(input, init)
  expect(await codeOf(() => syncWandb(at.folder, { ...connection({ fetch: failing }), retries: 3 }))).toBe(
    'WANDB_UNREACHABLE',
  )
  expect(onlyRun().history.length).toBeGreaterThan(0)
  const uploaded = onlyRun().history.length
  expect(uploaded).toBeLessThan(1200)

  const [runId] = at.server.runs.keys()
  expect(await syncWandb(at.folder, connection())).toEqual({
    runId,
    url: `${at.server.url}/team/sqlm/runs/${runId}`,
    steps: 1200,
    uploaded: 1200 - uploaded,
  })
  expect(stepsOf(onlyRun())).toEqual(upTo(1200))
  expect(onlyRun()).toMatchObject({ exitCode: 0, configs: 1 })
  expect(at.server.conflicts).toEqual([])

  const { post } = at.server.counts
  expect(await syncWandb(at.folder, connection())).toMatchObject({ steps: 1200, uploaded: 0 })
  expect(at.server.counts.post).toBe(post)
})

test('syncing with a server that fails now and then loses and doubles nothing', async () => {
  await run(1, 1300, { mode: 'offline' })
  await at.server.close()
  at.server = await wandbServer({ faults: dice(4) })
  await syncWandb(at.folder, { ...connection(), retries: 100 })
  expect(stepsOf(onlyRun())).toEqual(upTo(1300))
  expect(at.server.conflicts).toEqual([])
})

test('a run id of ones own: what the server has of it stays, and what comes follows', async () => {
  const there = emptyRun()
  there.history = upTo(40).map((_step) => JSON.stringify({ _step }))
  there.output = ['old\n']
  at.server.runs.set('my-run', there)
  await run(1, 3, { environment: { WANDB_API_KEY: apiKey, WANDB_RUN_ID: 'my-run' } })
  expect(stepsOf(there)).toEqual([...upTo(40), 1, 2, 3])
  expect(there.output.length).toBe(4)
  expect(at.server.conflicts).toEqual([])
})
