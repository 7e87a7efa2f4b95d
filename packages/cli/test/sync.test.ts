import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryOf, wandb, type Tracker } from '@evolmm/runs'
import { evolmm } from '@evolmm/trainer'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { record } from '../../trainer/test/support/records'
import { apiKey, wandbServer, type WandbServer } from '../../runs/test/support/wandb-server'
import { runCommand } from './support/run-command'

let folder: string
let server: WandbServer
let environment: Record<string, string>
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
  server = await wandbServer()
  environment = { WANDB_API_KEY: apiKey, WANDB_BASE_URL: server.url }
})
afterEach(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

/** Five steps of a run that was offline. */
async function train(): Promise<void> {
  const tracker = wandb({ mode: 'offline', runId: 'charts-1', environment: {} }) as Required<Tracker>
  await tracker.start({ name: 'charts', folder, config: {}, totalSteps: 5, startStep: 0, probe: null })
  for (let step = 1; step <= 5; step++) await tracker.log(entryOf(evolmm, record(step)))
  await tracker.finish({ step: 5, status: 'finished' })
}

test('sync uploads a run that was offline and prints where it is; again, nothing is left to do', async () => {
  await train()
  const url = `${server.url}/team/sqlm/runs/charts-1\n`
  expect(await runCommand(['sync', folder], { environment })).toMatchObject({
    code: 0,
    stdout: url,
    stderr: '5 of 5 steps uploaded now\n',
  })
  expect(server.runs.get('charts-1')).toMatchObject({ exitCode: 0, displayName: 'charts' })
  expect(server.runs.get('charts-1')?.history.length).toBe(5)
  expect(await runCommand(['sync', folder], { environment })).toMatchObject({
    code: 0,
    stdout: url,
    stderr: '0 of 5 steps uploaded now\n',
  })
})

test('sync --json, for a team', async () => {
  await train()
  const { code, stdout, stderr } = await runCommand(['sync', '--wandb-entity', 'team', '--json', folder], {
    environment,
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toEqual({
    run_id: 'charts-1',
    url: `${server.url}/team/sqlm/runs/charts-1`,
    steps: 5,
    uploaded: 5,
  })
})

test('Ctrl-C stops it, and the same command goes on', async () => {
  await train()
  const onInterrupt = (handler: () => void) => {
    handler()
    return () => undefined
  }
  expect(await runCommand(['sync', folder], { environment, onInterrupt })).toMatchObject({
    code: 130,
    stdout: '',
    stderr: 'stopped; the same command continues from here\n',
  })
  expect((await runCommand(['sync', folder], { environment })).code).toBe(0)
})

test('bad input is told in one line', async () => {
  const message = async (argv: string[], variables = environment) => {
    const { code, stdout, stderr } = await runCommand(argv, { environment: variables })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^evolmm: .*\n$/)
    expect(stderr).not.toContain(apiKey)
    return stderr
  }
  expect(await message(['sync'])).toContain('sync: must be given the folder of a run, got nothing')
  expect(await message(['sync', folder])).toContain('must be the folder of a run that was tracked for W&B')
  await train()
  expect(await message(['sync', folder], { WANDB_BASE_URL: server.url })).toMatch(
    /must have an API key to upload, got none; set WANDB_API_KEY\n$/,
  )
  const stranger = { ...environment, WANDB_API_KEY: 'f'.repeat(40) }
  expect(await message(['sync', folder], stranger)).toContain('W&B: the server must accept the run')
  writeFileSync(join(folder, 'wandb.json'), 'x')
  expect(await message(['sync', folder])).toContain('must be a readable file of schema_version 1')
})
