import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { train, type IterationRecord, type TrainOptions } from '../src/index'
import { timelessLog } from './support/timeless'
import { makeImages, openTiny, tinyFolder } from './support/tiny-run'
import { tinyTrain } from './support/tiny-train'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

let images: Awaited<ReturnType<typeof makeImages>>
let home: string
beforeAll(async () => {
  images = await makeImages(4)
  home = await mkdtemp(join(tmpdir(), 'evolmm-runs-'))
})
afterAll(async () => {
  await images.remove()
  await rm(home, { recursive: true })
})

const weights = (folder: string, step: string, role: string) =>
  readFile(join(folder, step, role, 'adapter_model.safetensors'))

/** Runs and stops cleanly after iteration `last`. */
async function trainUntil(last: number, options: TrainOptions) {
  const stop = new AbortController()
  return train({
    ...options,
    signal: stop.signal,
    onRecord: ({ step }: IterationRecord) => {
      if (step === last) stop.abort()
    },
  })
}

test('a run that was stopped and resumed is the run that was not', async () => {
  const whole = join(home, 'whole')
  const parts = join(home, 'parts')
  expect(await train(tinyTrain(whole, images.folder))).toMatchObject({ step: 6, status: 'finished' })
  expect(await trainUntil(3, tinyTrain(parts, images.folder))).toMatchObject({ step: 3, status: 'stopped' })
  expect(await train(tinyTrain(parts, images.folder))).toMatchObject({ step: 6, status: 'finished' })

  expect(await timelessLog(parts)).toEqual(await timelessLog(whole))
  for (const role of ['solver', 'proposer'])
    expect(await weights(parts, 'step_00006', role)).toEqual(await weights(whole, 'step_00006', role))
  expect((await readdir(whole)).sort()).toEqual(['iter_log.jsonl', 'run.json', 'step_00004', 'step_00006'])
})

test.each<[string, TrainOptions]>([
  ['one answer after the other', { solver_update: 'sequential' }],
  ['a proposer that never learns', { proposer_update_freq: 0 }],
  [
    'several images, a schedule and other baselines',
    {
      batch_size: 3,
      baseline: 'leave-one-out',
      proposer_baseline: 'leave-one-out',
      kl_control: 'fixed',
      lr_scheduler: 'cosine',
      warmup_steps: 2,
    },
  ],
  [
    'two backbones, one of them with all its weights',
    { use_lora_proposer: false, proposer_model: `${tinyFolder}/` },
  ],
  ['the vision tower too', { freeze_vision: false }],
  [
    'signs of collapse',
    {
      collapse_window: 3,
      collapse_patience: 2,
      collapse_entropy_floor: 10,
      stop_on_collapse: false,
    },
  ],
])('so is one with %s', async (title, given) => {
  const [whole, parts] = [join(home, `${title} whole`), join(home, `${title} parts`)]
  await train(tinyTrain(whole, images.folder, given))
  for (const last of [1, 3, 4]) await trainUntil(last, tinyTrain(parts, images.folder, given))
  await train(tinyTrain(parts, images.folder, given))
  await expectSame(parts, whole)
})

/** Both roles begin with adapters that are there, so that none is new. */
const started = (adapter: string) => ({
  solver_adapter: adapter,
  proposer_adapter: adapter,
  ...{ lora_r: undefined, lora_alpha: undefined, lora_targets: undefined },
})

test('a run starts from the adapters of a checkpoint, each role from its own', async () => {
  const first = join(home, 'first')
  await train(tinyTrain(first, images.folder, { total_steps: 2 }))
  const adapter = join(first, 'step_00002')
  const second = join(home, 'second')
  await train(
    tinyTrain(second, images.folder, {
      ...started(adapter),
      ...{ total_steps: 1, proposer_update_freq: 0, lr: 0 },
    }),
  )
  for (const name of ['solver', 'proposer'])
    expect(await weights(second, 'step_00001', name)).toEqual(await weights(first, 'step_00002', name))
})

test('a start adapter of the vision tower is refused where the tower is to stay as it is', async () => {
  const vlm = await openTiny()
  const adapter = join(home, 'seeing')
  await vlm.saveAdapter(adapter, vlm.createAdapter({ rank: 2, vision: true }))
  await vlm.dispose()
  const run = (name: string, vision: boolean) =>
    train(
      tinyTrain(join(home, name), images.folder, {
        ...{ solver_adapter: adapter, freeze_vision: !vision },
        ...{ total_steps: 1, proposer_update_freq: 0 },
      }),
    )
  await expect(run('blind', false)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(
      /^solver_adapter: .* got .*seeing, which adapts it; turn that off$/,
    ) as string,
  })
  await expect(readdir(join(home, 'blind'))).rejects.toThrow('ENOENT')
  expect(await run('seeing run', true)).toMatchObject({ status: 'finished' })
})

test('so is one that starts from adapters of other shapes and an older layout, with a picture that is broken', async () => {
  const vlm = await openTiny()
  const start = join(home, 'start')
  const adapter = vlm.createAdapter({
    rank: 2,
    alpha: 3,
    dropout: 0.2,
    targets: ['v_proj', 'up_proj'],
    seed: 5,
  })
  adapter.parameters.forEach((value, i) => (adapter.parameters[i] = value + Math.sin(i) / 50))
  await vlm.saveAdapter(start, adapter, { layout: 'legacy' })
  await vlm.dispose()
  const pictures = join(home, 'pictures')
  await cp(images.folder, pictures, { recursive: true })
  await writeFile(join(pictures, '2.png'), 'no picture')
  const given = { solver_adapter: start }
  const [whole, parts] = [join(home, 'adapter whole'), join(home, 'adapter parts')]
  await train(tinyTrain(whole, pictures, given))
  await trainUntil(2, tinyTrain(parts, pictures, given))
  // It is not needed any more.
  await rm(start, { recursive: true })
  await train(tinyTrain(parts, pictures, given))
  await expectSame(parts, whole)
})

async function expectSame(parts: string, whole: string): Promise<void> {
  expect(await timelessLog(parts)).toEqual(await timelessLog(whole))
  for (const name of await readdir(join(whole, 'step_00006'), { recursive: true }))
    if (name.endsWith('.safetensors')) {
      const file = (run: string) => readFile(join(run, 'step_00006', name))
      expect((await file(parts)).equals(await file(whole)), name).toBe(true)
    }
}
