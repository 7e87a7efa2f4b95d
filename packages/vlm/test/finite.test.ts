/** Numbers that are none stay out of the files, and out of what is trained. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSafetensors, writeSafetensors } from '@evolmm/safetensors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadVlm, type Adapter, type Vlm } from '../src'
import { tinyFolder } from './support/safetensors'

let home: string
let vlm: Vlm
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'evolmm-finite-'))
  vlm = await loadVlm(tinyFolder, { threads: 1 })
})
afterAll(async () => {
  await vlm.dispose()
  await rm(home, { recursive: true })
})

const spoiled = (adapter: Adapter, value: number): Adapter => {
  adapter.parameters[7] = value
  return adapter
}

test.each([NaN, Infinity, -Infinity])('an adapter with %d is neither saved nor merged', async (value) => {
  const adapter = spoiled(vlm.createAdapter({ rank: 2 }), value)
  const notFinite = {
    code: 'NOT_FINITE',
    message: expect.stringContaining(`got ${value}`) as string,
  }
  await expect(vlm.saveAdapter(join(home, 'bad'), adapter)).rejects.toMatchObject(notFinite)
  await expect(vlm.saveMerged(join(home, 'bad'), adapter)).rejects.toMatchObject(notFinite)
  const weights = spoiled(await vlm.trainWeights(), value)
  await expect(vlm.saveMerged(join(home, 'bad'), weights)).rejects.toMatchObject(notFinite)
  expect(await readdir(home)).toEqual([])
})

test('a number that is infinite in the type of the file is not saved in it', async () => {
  const adapter = spoiled(vlm.createAdapter({ rank: 2 }), 65520)
  const folder = join(home, 'half')
  await expect(vlm.saveAdapter(folder, adapter, { dtype: 'float16' })).rejects.toMatchObject({
    code: 'NOT_FINITE',
    message: expect.stringContaining(
      'must have finite float16 numbers to be saved, got 65520; save it as float32',
    ) as string,
  })
  await vlm.saveAdapter(folder, spoiled(adapter, 65519), { dtype: 'float16' })
  const loaded = await vlm.loadAdapter(folder)
  expect(loaded.parameters[7]).toBe(65504)
})

test.each([NaN, Infinity])('an adapter or a checkpoint with %d in its file is refused', async (value) => {
  const adapter = join(home, `adapter ${value}`)
  await vlm.saveAdapter(adapter, vlm.createAdapter({ rank: 2 }))
  await spoilFile(join(adapter, 'adapter_model.safetensors'), value)
  await expect(vlm.loadAdapter(adapter)).rejects.toMatchObject({
    code: 'INVALID_ADAPTER',
    message: expect.stringContaining(`must hold finite numbers, got ${value} at place 3`) as string,
  })
  const headed = join(home, `headed ${value}`)
  const head = vlm.addValueHead(vlm.createAdapter({ rank: 2 }))
  await vlm.saveAdapter(headed, head)
  await spoilFile(join(headed, 'value_head.safetensors'), value)
  await expect(vlm.loadAdapter(headed)).rejects.toMatchObject({ code: 'INVALID_ADAPTER' })
  head.parameters[head.parameters.length - 1] = value
  await expect(vlm.saveAdapter(`${headed} again`, head)).rejects.toMatchObject({ code: 'NOT_FINITE' })
  const folder = join(home, `whole ${value}`)
  await vlm.saveMerged(folder, vlm.createAdapter({ rank: 2 }))
  await spoilFile(join(folder, 'model.safetensors'), value)
  await expect(vlm.trainWeights({ folder, vision: true })).rejects.toMatchObject({
    code: 'NOT_FINITE',
    message: expect.stringContaining(`must hold finite numbers, got ${value} at place 3`) as string,
  })
})

/** Changes one value of the first tensor. */
async function spoilFile(file: string, value: number): Promise<void> {
  const tensors = await readSafetensors(file)
  for (const { data } of [...tensors.values()].slice(0, 1)) data[3] = value
  await writeSafetensors(file, tensors)
}
