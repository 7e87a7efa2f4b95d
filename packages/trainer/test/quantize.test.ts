/** A run whose frozen weights are in four bits: adapters learn, a stopped run goes on, and only as it began. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { shareSessions } from '@evolmm/internal/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { train, type TrainOptions } from '../src/index'
import { makeImages } from './support/tiny-run'
import { tinyTrain } from './support/tiny-train'

shareSessions()

let images: Awaited<ReturnType<typeof makeImages>>
let home: string
beforeAll(async () => {
  images = await makeImages(4)
  home = await mkdtemp(join(tmpdir(), 'evolmm-int4-runs-'))
})
afterAll(async () => {
  await images.remove()
  await rm(home, { recursive: true })
})

function quantized(name: string, changes: Partial<TrainOptions> = {}): TrainOptions {
  // The settings that count are those that `train` finds itself.
  const options = tinyTrain(join(home, name), images.folder)
  delete options.config
  const load = { ...options.load, quantize: 'int4', cacheDir: join(home, 'cache') } as const
  return { ...options, load, evolve: { ...options.evolve, total_steps: 3 }, saveEvery: 2, ...changes }
}

test('a run in four bits learns, and is the same when it was stopped and resumed', async () => {
  expect(await train(quantized('whole'))).toEqual({ step: 3, status: 'finished' })
  const stop = new AbortController()
  await train(
    quantized('parts', {
      signal: stop.signal,
      onRecord: ({ step }) => {
        if (step === 1) stop.abort()
      },
    }),
  )
  await expect(train({ ...quantized('parts'), load: tinyTrain('', '').load ?? {} })).rejects.toMatchObject({
    code: 'OTHER_CONFIGURATION',
    message: expect.stringContaining('quantize') as unknown,
  })
  expect(await train(quantized('parts'))).toEqual({ step: 3, status: 'finished' })
  const weights = (name: string) => readFile(join(home, name, 'step_00003/solver/adapter_model.safetensors'))
  expect(await weights('parts')).toEqual(await weights('whole'))
  expect(await readdir(join(home, 'cache'))).toHaveLength(1)
})

test('all weights cannot be trained in four bits', async () => {
  const { solver, proposer } = quantized('refused')
  const run = quantized('refused', { solver: { model: solver.model }, proposer })
  await expect(train(run)).rejects.toMatchObject({ code: 'WEIGHTS_QUANTIZED' })
  expect(await readdir(home)).not.toContain('refused')
})
