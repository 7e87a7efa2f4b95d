import { utimesSync } from 'node:fs'
import { readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { readTensor } from '@evolmm/safetensors'
import { readBackbone } from '../src/backbones/open-backbone'
import { openCheckpoint, type StoredModel } from '../src/checkpoint/open-checkpoint'
import { widenedCheckpoint } from '../src/checkpoint/widened-checkpoint'
import {
  makeFolder,
  readRaw,
  sameBytes,
  tinyFolder,
  writeRaw,
  take,
  type RawTensor,
} from './support/safetensors'

const disk = vi.hoisted(() => ({ free: Infinity }))
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const statfs = (path: string) =>
    real.statfs(path).then(({ bsize }) => ({ bsize, bavail: disk.free / bsize }))
  return { ...real, statfs }
})

const model = await readBackbone(tinyFolder)
const raw = await readRaw(join(tinyFolder, 'model.safetensors'))

/** The upper half of each float32: a bfloat16 whose value is known without rounding. */
function cut({ shape, data }: RawTensor): RawTensor {
  const words = new Uint32Array(data.slice().buffer)
  return { dtype: 'BF16', shape, data: new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer) }
}

/** The tiny model in bfloat16 but for its norms, which stay float32; and what a float32 reader must see. */
async function makeSource(): Promise<{
  folder: string
  checkpoint: StoredModel
  values: (name: string) => Float32Array
}> {
  const folder = await makeFolder()
  const tensors = new Map(
    [...raw].map(([name, tensor]) => [name, name.includes('norm') ? tensor : cut(tensor)]),
  )
  await writeRaw(join(folder, 'model.safetensors'), tensors)
  const values = (name: string) => {
    const words = new Uint32Array(take(raw, model.names.published(name)).data.slice().buffer)
    return new Float32Array((name.includes('norm') ? words : words.map((word) => word & 0xffff0000)).buffer)
  }
  return { folder, checkpoint: await openCheckpoint(folder, model), values }
}

async function expectValues(checkpoint: StoredModel, values: (name: string) => Float32Array): Promise<void> {
  expect([...checkpoint.tensors.keys()]).toEqual([...model.weights.keys()])
  for (const tensor of checkpoint.tensors.values()) {
    expect(tensor.dtype).toBe('float32')
    expect([tensor.name, sameBytes((await readTensor(tensor)).data, values(tensor.name))]).toEqual([
      tensor.name,
      true,
    ])
  }
}

test('a float32 checkpoint is used in place', async () => {
  const checkpoint = await openCheckpoint(tinyFolder, model)
  const cacheDir = join(await makeFolder(), 'none')
  expect(await widenedCheckpoint(checkpoint, { cacheDir })).toBe(checkpoint)
  await expect(stat(cacheDir)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('16-bit weights are widened once: announced, exact, then found', async () => {
  const { checkpoint, values } = await makeSource()
  const cacheDir = join(await makeFolder(), 'deep', 'cache')
  const onWrite = vi.fn()
  const twin = await widenedCheckpoint(checkpoint, { cacheDir, onWrite })
  await expectValues(twin, values)
  const [name] = await readdir(cacheDir)
  const bytes = [...raw.values()].reduce((sum, { data }) => sum + data.length, 0)
  expect(onWrite.mock.calls).toEqual([[{ file: join(cacheDir, name), bytes }]])
  const again = await widenedCheckpoint(checkpoint, { cacheDir, onWrite })
  expect(again).toEqual(twin)
  expect(onWrite).toHaveBeenCalledTimes(1)
})

test('the twin is a sound file in which tensors begin on pages where their sizes let them', async () => {
  const { checkpoint } = await makeSource()
  const twin = await widenedCheckpoint(checkpoint, { cacheDir: await makeFolder() })
  const [{ file }] = twin.tensors.values()
  expect([...(await readRaw(file)).keys()].sort()).toEqual([...model.weights.keys()].sort())
  for (const { bytes, offset } of twin.tensors.values()) {
    const power = Math.min(4096, 2 ** Math.floor(Math.log2(bytes & -bytes)))
    expect(offset % power).toBe(0)
  }
})

test('the announced size is there before anything is written', async () => {
  const { checkpoint } = await makeSource()
  const cacheDir = await makeFolder()
  const stop = new Error('stop')
  const onWrite = () => {
    throw stop
  }
  await expect(widenedCheckpoint(checkpoint, { cacheDir, onWrite })).rejects.toBe(stop)
  expect(await readdir(cacheDir)).toEqual([])
})

test('two at once both succeed and leave one file', async () => {
  const { checkpoint, values } = await makeSource()
  const cacheDir = await makeFolder()
  const [a, b] = await Promise.all([
    widenedCheckpoint(checkpoint, { cacheDir }),
    widenedCheckpoint(checkpoint, { cacheDir }),
  ])
  await expectValues(a, values)
  await expectValues(b, values)
  expect(await readdir(cacheDir)).toHaveLength(1)
})

test('a source that changed has another twin', async () => {
  const { folder, checkpoint, values } = await makeSource()
  const cacheDir = await makeFolder()
  await widenedCheckpoint(checkpoint, { cacheDir })
  const file = join(folder, 'model.safetensors')
  const bytes = await readFile(file)
  const { offset } = checkpoint.tensors.get('model.language_model.embed_tokens.weight') ?? { offset: 0 }
  bytes.writeUInt16LE(0x4040, offset)
  await writeFile(file, bytes)
  await utimes(file, new Date(1e12), new Date(1e12))
  const changed = await widenedCheckpoint(await openCheckpoint(folder, model), { cacheDir })
  await expectValues(changed, (name) => {
    const same = values(name)
    if (name.endsWith('embed_tokens.weight')) same[0] = 3
    return same
  })
  expect(await readdir(cacheDir)).toHaveLength(2)
})

test('a damaged twin is replaced, and a dead process left-over is removed, never used', async () => {
  const { checkpoint, values } = await makeSource()
  const cacheDir = await makeFolder()
  const twin = await widenedCheckpoint(checkpoint, { cacheDir })
  const [{ file }] = twin.tensors.values()
  await truncate(file, 5000)
  const [name] = await readdir(cacheDir)
  const [old, young] = ['1-00000000', '2-00000000'].map((id) => join(cacheDir, `.${name}.${id}.tmp`))
  for (const path of [old, young]) await writeFile(path, 'half')
  await utimes(old, new Date(1e12), new Date(1e12))
  await expectValues(await widenedCheckpoint(checkpoint, { cacheDir }), values)
  expect((await readdir(cacheDir)).sort()).toEqual([`.${name}.2-00000000.tmp`, name].sort())
})

test('a source that changes while it is read is an error and leaves no twin', async () => {
  const { folder, checkpoint } = await makeSource()
  const cacheDir = await makeFolder()
  const file = join(folder, 'model.safetensors')
  const onWrite = () => {
    utimesSync(file, new Date(1e12), new Date(1e12))
  }
  await expect(widenedCheckpoint(checkpoint, { cacheDir, onWrite })).rejects.toMatchObject({
    code: 'CHECKPOINT_CHANGED',
  })
  expect(await readdir(cacheDir)).toEqual([])
})

test('a full disk is an error before anything is written', async () => {
  const { checkpoint } = await makeSource()
  const cacheDir = await makeFolder()
  disk.free = 1000
  try {
    await expect(widenedCheckpoint(checkpoint, { cacheDir })).rejects.toMatchObject({
      code: 'NO_SPACE',
      details: { free: 1000 },
    })
  } finally {
    disk.free = Infinity
  }
  expect(await readdir(cacheDir)).toEqual([])
})

test('a cache folder that cannot be made is an error', async () => {
  const { checkpoint } = await makeSource()
  const blocked = join(await makeFolder(), 'file')
  await writeFile(blocked, '')
  await expect(widenedCheckpoint(checkpoint, { cacheDir: join(blocked, 'cache') })).rejects.toMatchObject({
    code: 'UNWRITABLE_FILE',
  })
})

test('the default folder follows XDG_CACHE_HOME', async () => {
  const { checkpoint } = await makeSource()
  const home = await makeFolder()
  vi.stubEnv('XDG_CACHE_HOME', home)
  try {
    const [{ file }] = (await widenedCheckpoint(checkpoint)).tensors.values()
    expect(file.startsWith(join(home, 'evolmm', 'weights'))).toBe(true)
  } finally {
    vi.unstubAllEnvs()
  }
})
