import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { train, type IterationRecord, type TrainOptions } from '../src/index'
import { timelessLog } from './support/timeless'
import { makeImages } from './support/tiny-run'
import { tinyTrain } from './support/tiny-train'

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
  expect(await train(tinyTrain(whole, images.folder))).toEqual({ step: 6, status: 'finished' })
  expect(await trainUntil(3, tinyTrain(parts, images.folder))).toEqual({ step: 3, status: 'stopped' })
  expect(await train(tinyTrain(parts, images.folder))).toEqual({ step: 6, status: 'finished' })

  expect(await timelessLog(parts)).toEqual(await timelessLog(whole))
  for (const role of ['solver', 'proposer'])
    expect(await weights(parts, 'step_00006', role)).toEqual(await weights(whole, 'step_00006', role))
  expect((await readdir(whole)).sort()).toEqual(['iter_log.jsonl', 'run.json', 'step_00004', 'step_00006'])
})
