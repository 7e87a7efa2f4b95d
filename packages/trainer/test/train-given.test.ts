/** What a run on disk is given: settings, trackers, a probe; and what it says of them. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openConfig } from '@evolmm/vlm'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readLog, type Tracker } from '@evolmm/runs'
import { evolmm, train, type SolverReward, type TrainOptions } from '../src/index'
import { content } from './support/content'
import { doneRun, type DoneRun } from './support/done-run'
import { sense } from './support/tiny-run'
import { tinyTrain } from './support/tiny-train'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

let run: DoneRun
beforeAll(async () => {
  run = await doneRun()
})
afterAll(() => run.remove())

const six = { total_steps: 6 }

test('other settings are refused, by name, and nothing is touched', async () => {
  const folder = await run.copy()
  const before = await content(folder)
  await expect(
    train(tinyTrain(folder, run.images.folder, { ...six, lr: 1e-4, top_k: 3 })),
  ).rejects.toMatchObject({
    code: 'OTHER_CONFIGURATION',
    message: expect.stringMatching(
      /lr 0\.0001 instead of 0\.001, top_k 3 instead of 0; go on with the old/,
    ) as string,
    details: { changed: ['lr', 'top_k'] },
  })
  expect(await content(folder)).toEqual(before)
})

test('weights that no vector holds are refused from the configuration, before any is read', async () => {
  const model = join(run.home, 'large')
  await mkdir(model)
  const { backbone } = await openConfig('7B')
  const config = backbone.configJson({ dtype: 'bfloat16', source: {} })
  await writeFile(join(model, 'config.json'), JSON.stringify(config))
  const given = { solver_model: model, use_lora_solver: false }
  await expect(train(tinyTrain(join(run.home, 'whole'), run.images.folder, given))).rejects.toMatchObject({
    code: 'TOO_MANY_PARAMETERS',
    message: expect.stringMatching(
      /got 7,615,616,512; set use_lora_solver, or take a smaller model$/,
    ) as string,
  })
})

test('a tracker that fails is reported once and stops nothing', async () => {
  const broken: Tracker = {
    name: 'broken',
    start: () => undefined,
    log: () => {
      throw new Error('no route to host')
    },
    flush: () => undefined,
    finish: () => undefined,
  }
  const warn = vi.fn()
  const folder = join(run.home, 'tracked')
  const options = tinyTrain(folder, run.images.folder, {
    total_steps: 3,
    trackers: [broken],
    onWarning: warn,
  })
  expect(await train(options)).toMatchObject({ step: 3, status: 'finished' })
  const said = warn.mock.calls.flat().filter((message) => String(message).startsWith('broken'))
  expect(said).toEqual([
    'broken: no route to host; the run goes on, and it is tried again',
    expect.stringMatching(/did not get 3 iterations/),
  ])
})

test('the probe runs before the first iteration, every so many and after the last, and the numbers are kept', async () => {
  const folder = join(run.home, 'probed')
  let calls = 0
  const probe = { every: 2, run: () => Promise.resolve({ accuracy: calls++ / 10 }) }
  await train(tinyTrain(folder, run.images.folder, { total_steps: 5, probe }))
  const { probe: start } = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as { probe: unknown }
  expect(start).toEqual({ accuracy: 0 })
  const found: unknown[] = []
  for await (const record of readLog(folder, evolmm)) found.push(record.probe)
  expect(found).toEqual([null, { accuracy: 0.1 }, null, { accuracy: 0.2 }, { accuracy: 0.3 }])
})

test('a probe that fails later costs no iteration; one that fails at first ends the run before it begins', async () => {
  const folder = join(run.home, 'probe-fails')
  const warn = vi.fn()
  let calls = 0
  const probe = {
    every: 2,
    run: () =>
      calls++ === 1 ? Promise.reject(new Error('no such image')) : Promise.resolve({ accuracy: 1 }),
  }
  await train(tinyTrain(folder, run.images.folder, { total_steps: 4, probe, onWarning: warn }))
  expect(warn.mock.calls.filter(([, code]) => code === 'PROBE_FAILED')).toEqual([
    ['probe: must give numbers, got no such image; iteration 2 goes without', 'PROBE_FAILED'],
  ])
  const found: unknown[] = []
  for await (const record of readLog(folder, evolmm)) found.push(record.probe)
  expect(found).toEqual([null, null, null, { accuracy: 1 }])

  const none = join(run.home, 'probe-fails-at-once')
  calls = 1
  await expect(train(tinyTrain(none, run.images.folder, { probe }))).rejects.toThrow('no such image')
  expect(await readdir(run.home)).not.toContain('probe-fails-at-once')
})

test.each([
  [{ batch_size: 0 }, /^batch_size: must be an integer at least 1, got 0/],
  [{ save_every: -1 }, /^save_every: must be an integer at least 0, got -1/],
  [{ probe: { every: 0.5, run: () => Promise.resolve({}) } }, /^probe\.every: must be an integer/],
] as [TrainOptions, RegExp][])(
  '%j is refused before anything is opened, and leaves no folder',
  async (given, message) => {
    await expect(train(tinyTrain(join(run.home, 'wrong'), run.images.folder, given))).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(message) as string,
    })
    expect(await readdir(run.home)).not.toContain('wrong')
  },
)

test('a run goes on with the settings that count, and may be longer and elsewhere', async () => {
  const folder = join(run.home, 'counted')
  const again = (given: TrainOptions) =>
    train(tinyTrain(folder, run.images.folder, { total_steps: 2, ...given }))
  await again({})
  await expect(again({ num_solver_samples: 4 })).rejects.toMatchObject({
    code: 'OTHER_CONFIGURATION',
    message: expect.stringContaining('num_solver_samples 4 instead of 5') as string,
  })
  await expect(again({ depends: { weather: 'fine' } })).rejects.toMatchObject({
    message: expect.stringContaining('weather "fine" instead of none') as string,
  })
  // Longer is no other run, unless the learning rate depends on it.
  expect(await again({ total_steps: 3, image_cache: 0 })).toEqual({ folder, step: 3, status: 'finished' })
  await expect(again({ total_steps: 4, lr_scheduler: 'linear' })).rejects.toMatchObject({
    details: { changed: ['lr_scheduler', 'total_steps'] },
  })
})

test('a setting that nobody knows is refused, and the name that another library has for one is answered', async () => {
  for (const [name, hint] of [
    ['totalSteps', 'did you mean total_steps'],
    ['learning_rate', 'it is lr here'],
  ])
    await expect(
      train({ ...tinyTrain(join(run.home, 'unknown'), run.images.folder), [name]: 1 }),
    ).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(
        `${name}: must be a setting of a run, got an unknown name; ${hint}`,
      ) as string,
    })
  expect(await readdir(run.home)).not.toContain('unknown')
})

test('that a reward is a function of one’s own, and which, is one of the settings', async () => {
  const folder = join(run.home, 'own-reward')
  const rewarded = (reward: 'discrete' | SolverReward) =>
    train(tinyTrain(folder, run.images.folder, { total_steps: 1, reward }))
  const own: SolverReward = (answers) => answers.map(({ text }) => text.length)
  await rewarded(own)
  expect(JSON.parse(await readFile(join(folder, 'run.json'), 'utf8'))).toMatchObject({
    config: { reward: 'own', untagged_answers: 'last-line' },
  })
  await expect(rewarded('discrete')).rejects.toMatchObject({
    code: 'OTHER_CONFIGURATION',
    message: expect.stringContaining('got reward "discrete" instead of "own"; go on') as string,
  })
  expect(await rewarded(own)).toMatchObject({ step: 1, status: 'finished' })
})

test('a run that asks no question warns that it learns nothing', async () => {
  const warnings: string[] = []
  await train(
    tinyTrain(join(run.home, 'asks-nothing'), run.images.folder, {
      total_steps: 1,
      ...sense,
      onWarning: (message) => warnings.push(message),
    }),
  )
  expect(warnings).toEqual([
    expect.stringMatching(/^questions: the solver must be asked some, got 1 in a row/),
  ])
})

test('a run in which no answer is valid warns that it learns nothing', async () => {
  const warn = vi.fn()
  await train(
    tinyTrain(join(run.home, 'counts-nothing'), run.images.folder, { total_steps: 1, onWarning: warn }),
  )
  expect(warn.mock.calls).toEqual([
    [
      expect.stringMatching(/^answers: some must be valid .* in the whole run and not one that is/),
      'NO_VALID_ANSWER',
    ],
  ])
})
