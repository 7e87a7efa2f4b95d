/** The twin in four bits: made once, found again, replaced when it is damaged, refused when the disk is full. */
import { readdir, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { readBackbone } from '../src/backbones/open-backbone'
import { openCheckpoint } from '../src/checkpoint/open-checkpoint'
import { emptyRows, quantizedBytes, quantizeRow } from '../src/checkpoint/quantize-matrix'
import { quantizedCheckpoint } from '../src/checkpoint/quantized-checkpoint'
import { widenedCheckpoint } from '../src/checkpoint/widened-checkpoint'
import { contentOf, copyTiny, floats, makeFolder, readRaw, take, writeRaw } from './support/safetensors'

const disk = vi.hoisted(() => ({ free: Infinity }))
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const statfs = (path: string) =>
    real.statfs(path).then(({ bsize }) => ({ bsize, bavail: disk.free / bsize }))
  return { ...real, statfs }
})

const names = [
  'model.language_model.layers.0.mlp.down_proj.weight',
  'model.language_model.layers.1.self_attn.q_proj.weight',
  'model.visual.blocks.0.mlp.down_proj.weight',
]

async function source() {
  const folder = await copyTiny()
  const backbone = await readBackbone(folder)
  return { folder, backbone, checkpoint: await openCheckpoint(folder, backbone) }
}

/** What one block of values becomes: every value nearest to itself among the sixteen that the block can hold. */
test('a value is the nearest of the sixteen of its block, and 0 is exact', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 100 }),
      (list) => {
        const values = Float32Array.from(list)
        const rows = emptyRows(1, values.length)
        quantizeRow(values, 0, rows)
        for (const [i, value] of values.entries()) {
          const block = i >> 5
          const scale = rows.scales[block]
          const zero = (rows.zeroPoints[block >> 1] >> (4 * (block & 1))) & 15
          expect(rows.zeros[block]).toBe(17 * zero)
          const code = (rows.codes[i >> 1] >> (4 * (i & 1))) & 15
          const best = Array.from({ length: 16 }, (_, c) => Math.abs((c - zero) * scale - value))
          expect(Math.abs((code - zero) * scale - value)).toBeLessThanOrEqual(
            Math.min(...best) * (1 + 1e-5) + 1e-30,
          )
          if (value === 0) expect(code).toBe(zero)
        }
      },
    ),
    { seed: 1 },
  )
})

test('what fills up the last block is 0', () => {
  const rows = emptyRows(1, 33)
  quantizeRow(
    Float32Array.from({ length: 33 }, (_, i) => i - 40),
    0,
    rows,
  )
  const zero = rows.zeroPoints[0] >> 4
  expect([...rows.codes.subarray(17, 32)]).toEqual(Array<number>(15).fill(17 * zero))
})

test('numbers that are not finite are refused', async () => {
  const { folder, backbone } = await source()
  const file = join(folder, 'model.safetensors')
  const raw = await readRaw(file)
  const name = 'model.layers.1.self_attn.q_proj.weight'
  const tensor = take(raw, name)
  const values = floats(tensor.data)
  values[100] = NaN
  await writeRaw(file, raw.set(name, { ...tensor, data: new Uint8Array(values.buffer) }))
  const cacheDir = await makeFolder()
  const checkpoint = await openCheckpoint(folder, backbone)
  await expect(quantizedCheckpoint(checkpoint, names, { cacheDir })).rejects.toMatchObject({
    code: 'NOT_FINITE',
  })
  expect(await readdir(cacheDir)).toEqual([])
})

test('it is written once, announced with its size, and found by the next process', async () => {
  const { checkpoint } = await source()
  const [cacheDir, onWrite] = [await makeFolder(), vi.fn()]
  const first = await quantizedCheckpoint(checkpoint, names, { cacheDir, onWrite })
  const [name] = await readdir(cacheDir)
  const shapes = names.map((each) => checkpoint.tensors.get(each)?.shape ?? [])
  const bytes = shapes.reduce((sum, [out, inputs]) => sum + quantizedBytes(out, inputs).file, 0)
  expect(onWrite.mock.calls).toEqual([[{ file: join(cacheDir, name), bytes }]])
  expect(first.reduce((sum, tensor) => sum + tensor.bytes, 0)).toBe(bytes)
  expect(await quantizedCheckpoint(checkpoint, names, { cacheDir, onWrite })).toEqual(first)
  expect(onWrite).toHaveBeenCalledOnce()
})

test('other weights, another source and the widened twin have files of their own', async () => {
  const { folder, backbone, checkpoint } = await source()
  const cacheDir = await makeFolder()
  await quantizedCheckpoint(checkpoint, names, { cacheDir })
  await quantizedCheckpoint(checkpoint, names.slice(1), { cacheDir })
  expect(await readdir(cacheDir)).toHaveLength(2)
  await utimes(join(folder, 'model.safetensors'), 1e6, 1e6)
  await quantizedCheckpoint(await openCheckpoint(folder, backbone), names, { cacheDir })
  expect(await readdir(cacheDir)).toHaveLength(3)
  await widenedCheckpoint(checkpoint, { cacheDir })
  expect(await readdir(cacheDir)).toHaveLength(3)
})

test('a damaged twin is replaced', async () => {
  const { checkpoint } = await source()
  const cacheDir = await makeFolder()
  await quantizedCheckpoint(checkpoint, names, { cacheDir })
  const file = join(cacheDir, (await readdir(cacheDir))[0])
  const whole = contentOf(await readRaw(file))
  const { size } = await stat(file)
  for (const damage of [
    () => truncate(file, size - 1),
    () => truncate(file, 0),
    () => writeFile(file, 'not a twin'),
    async () => writeRaw(file, new Map([...(await readRaw(file))].slice(1))),
  ]) {
    await damage()
    const onWrite = vi.fn()
    await quantizedCheckpoint(checkpoint, names, { cacheDir, onWrite })
    expect(onWrite).toHaveBeenCalledOnce()
    expect(contentOf(await readRaw(file))).toEqual(whole)
  }
})

test('processes that race make one twin', async () => {
  const { checkpoint } = await source()
  const cacheDir = await makeFolder()
  const [a, b] = await Promise.all([
    quantizedCheckpoint(checkpoint, names, { cacheDir }),
    quantizedCheckpoint(checkpoint, names, { cacheDir }),
  ])
  expect(a).toEqual(b)
  expect(await readdir(cacheDir)).toHaveLength(1)
})

test('a full disk is an error before anything is written', async () => {
  const { checkpoint } = await source()
  const cacheDir = await makeFolder()
  disk.free = 1000
  try {
    await expect(quantizedCheckpoint(checkpoint, names, { cacheDir })).rejects.toMatchObject({
      code: 'NO_SPACE',
      message: expect.stringContaining('free for the weights in 4 bits, got 1000') as unknown,
    })
  } finally {
    disk.free = Infinity
  }
  expect(await readdir(cacheDir)).toEqual([])
})
