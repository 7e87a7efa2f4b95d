/** Room on the disk: what checkpoints take against what is free, by a disk that is as full as a test says. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { resolve } from '@evolmm/settings'
import { expect, test } from 'vitest'
import { run, type Method, type RunOptions } from '../src'
import { bandit, banditSettings, type Pull } from './support/bandit'

type Given = Parameters<typeof resolve<(typeof banditSettings)['rows']>>[1]
type Options = RunOptions<Pull, (typeof banditSettings)['rows']>

/** A bandit that says a checkpoint of it takes a megabyte. */
const large: Method<Pull, (typeof banditSettings)['rows']> = {
  ...bandit,
  open: async (context) => ({ ...(await bandit.open(context)), checkpointBytes: 1e6 }),
}

function play(folder: string, free: number | undefined, given: Given = {}, options: Partial<Options> = {}) {
  return run(large, {
    folder,
    settings: resolve(banditSettings, { total_steps: 40, save_every: 10, tensorboard: false, ...given }),
    freeBytes: () => Promise.resolve(free),
    ...options,
  })
}

test.each([
  ['two are kept while a third is written', {}, 3],
  ['more may be kept', { max_checkpoints: 3 }, 4],
  ['there are no more than are written', { max_checkpoints: 9 }, 4],
  ['only the last one is written', { save_every: 0 }, 1],
  ['the last one is not at a multiple', { total_steps: 11, max_checkpoints: 9 }, 2],
])('a run begins only where its checkpoints fit: %s', async (_, given: Given, most) => {
  const folder = join(temporaryFolder(), 'run')
  await expect(play(folder, most * 1e6 - 1, given)).rejects.toMatchObject({
    code: 'NO_SPACE',
    details: { needed: most * 1e6, free: most * 1e6 - 1 },
    message: expect.stringMatching(
      new RegExp(
        `^${folder}: must have ${most}.0 MB free for ${most} checkpoints? of 1.0 MB at a time, got .* MB; make room`,
      ),
    ) as string,
  })
  expect(existsSync(folder)).toBe(false)
  await expect(play(folder, most * 1e6, given)).resolves.toMatchObject({ status: 'finished' })
})

test('what is there already is counted, and where nothing is left to do nothing is asked for', async () => {
  const folder = join(temporaryFolder(), 'run')
  await play(folder, 1e9)
  await expect(play(folder, 0)).resolves.toMatchObject({ step: 40, status: 'finished' })
  // Two are there, and a third is written before the first goes.
  await expect(play(folder, 1e6 - 1, { total_steps: 80 })).rejects.toMatchObject({ code: 'NO_SPACE' })
  await expect(play(folder, 1e6, { total_steps: 80 })).resolves.toMatchObject({ step: 80 })
})

test('a disk that fills up is warned about before the checkpoint that may not fit, once until one is written', async () => {
  const folder = join(temporaryFolder(), 'run')
  let step = 0
  const warnings: [step: number, message: string, code: string][] = []
  const onRecord = (record: Pull) => {
    step = record.step
  }
  const outcome = await play(
    folder,
    undefined,
    {},
    {
      onRecord,
      freeBytes: () => Promise.resolve(step < 13 || step > 34 ? 1e9 : 4e5),
      onWarning: (message, code) => warnings.push([step, message, code]),
    },
  )
  expect(outcome).toEqual({ step: 40, status: 'finished' })
  expect(warnings).toEqual(
    [
      [13, 10],
      [21, 20],
      [31, 30],
    ].map(([at, last]) => [
      at,
      `${folder}: has 400 kB free, and the next checkpoint takes about 1.0 MB; without room for it what is learned after iteration ${last} is lost`,
      'DISK_NEARLY_FULL',
    ]),
  )
})

test('where nobody knows what is free the run goes on in silence', async () => {
  const warnings: string[] = []
  const onWarning = (message: string) => warnings.push(message)
  await play(join(temporaryFolder(), 'run'), undefined, {}, { onWarning })
  expect(warnings).toEqual([])
})

test('a method that does not say what it takes is taken by its vectors, and the file system by its word', async () => {
  const folder = join(temporaryFolder(), 'run')
  const settings = resolve(banditSettings, { total_steps: 1, tensorboard: false })
  const asked: string[] = []
  const none = run(bandit, {
    ...{ folder, settings },
    freeBytes: (where) => {
      asked.push(where)
      return Promise.resolve(4 * settings.arms - 1)
    },
  })
  await expect(none).rejects.toMatchObject({ code: 'NO_SPACE', details: { needed: 4 * settings.arms } })
  expect(asked).toEqual([folder])
  // No disk of this world has room for this.
  const huge = {
    ...bandit,
    open: async (context: Parameters<typeof bandit.open>[0]) => ({
      ...(await bandit.open(context)),
      checkpointBytes: 1e18,
    }),
  }
  await expect(run(huge, { folder, settings })).rejects.toMatchObject({ code: 'NO_SPACE' })
  await run(bandit, { folder, settings })
  expect(statSync(join(folder, 'step_00001', 'optimizer.safetensors')).size).toBeGreaterThan(
    4 * settings.arms,
  )
  expect(readdirSync(folder)).toContain('run.json')
})
