/** A run whose frozen weights are in four bits: adapters learn, a stopped run goes on, and only as it began. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { train, type TrainOptions } from '../src/index'
import { makeImages } from './support/tiny-run'
import { tinyTrain } from './support/tiny-train'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

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

const quantized = (name: string, changes: TrainOptions = {}): TrainOptions =>
  tinyTrain(join(home, name), images.folder, {
    ...{ quantize: 'int4', cache_dir: join(home, 'cache'), total_steps: 3 },
    ...changes,
  })

test('a run in four bits learns, and is the same when it was stopped and resumed', async () => {
  expect(await train(quantized('whole'))).toMatchObject({ step: 3, status: 'finished' })
  const stop = new AbortController()
  await train(
    quantized('parts', {
      signal: stop.signal,
      onRecord: ({ step }) => {
        if (step === 1) stop.abort()
      },
    }),
  )
  await expect(train(quantized('parts', { quantize: 'none' }))).rejects.toMatchObject({
    code: 'OTHER_CONFIGURATION',
    message: expect.stringContaining('quantize') as unknown,
  })
  expect(await train(quantized('parts'))).toMatchObject({ step: 3, status: 'finished' })
  const weights = (name: string) => readFile(join(home, name, 'step_00003/solver/adapter_model.safetensors'))
  expect(await weights('parts')).toEqual(await weights('whole'))
  expect(await readdir(join(home, 'cache'))).toHaveLength(1)
})

test('all weights cannot be trained in four bits', async () => {
  await expect(train(quantized('refused', { use_lora_solver: false }))).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(/^quantize: must go with use_lora_solver and use_lora_proposer/) as string,
  })
  expect(await readdir(home)).not.toContain('refused')
})
