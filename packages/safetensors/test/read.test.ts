import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { floats, take, temporaryFolder, writeRaw, type RawTensor } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import {
  isFloatTensor,
  openSafetensors,
  readSafetensors,
  readTensor,
  streamTensor,
  type FloatType,
  type StoredTensor,
} from '../src/index'

async function written(tensors: Record<string, RawTensor>): Promise<string> {
  const file = join(temporaryFolder(), 'a.safetensors')
  await writeRaw(file, new Map(Object.entries(tensors)))
  return file
}

async function opened(file: string, name: string): Promise<StoredTensor<FloatType>> {
  const tensor = take(await openSafetensors({ files: [file] }), name)
  return isFloatTensor(tensor) ? tensor : expect.fail('no float')
}

const ramp = (length: number) => new Uint8Array(Float32Array.from({ length }, (_, i) => i / 7 - 20).buffer)
const small = {
  bias: { dtype: 'F32', shape: [64], data: ramp(64) },
  weight: { dtype: 'F32', shape: [64, 32], data: ramp(2048) },
}

test('values are read whole and in pieces', async () => {
  const file = await written(small)
  for (const [name, { data }] of Object.entries(small)) {
    const tensor = await opened(file, name)
    const array = await readTensor(tensor)
    expect(array.shape).toEqual(tensor.shape)
    expect(array.data).toEqual(floats(data))
    const pieces: number[] = []
    for await (const piece of streamTensor(tensor)) pieces.push(...piece)
    expect(pieces).toEqual([...floats(data)])
  }
})

test('a tensor larger than a piece is read whole', async () => {
  const bits = Uint16Array.from({ length: 5_000_000 }, (_, i) => (i * 7) & 0x7fff)
  const file = await written({
    big: { dtype: 'BF16', shape: [bits.length], data: new Uint8Array(bits.buffer) },
  })
  const words = new Uint32Array((await readTensor(await opened(file, 'big'))).data.buffer)
  expect(words.every((word, i) => word === bits[i] * 0x10000)).toBe(true)
})

test('a file that shrinks after it was opened is an error, not zeros', async () => {
  const file = await written(small)
  const tensor = await opened(file, 'weight')
  truncateSync(file, tensor.offset + 4)
  await expect(readTensor(tensor)).rejects.toMatchObject({
    code: 'INVALID_SAFETENSORS',
    details: { tensor: 'weight' },
  })
})

test('all tensors of a file at once, and none of a file with one that has no float values', async () => {
  const tensors = await readSafetensors(await written(small))
  expect([...tensors.keys()]).toEqual(['bias', 'weight'])
  const weight = take(tensors, 'weight')
  expect(weight.shape).toEqual([64, 32])
  expect(weight.get(3, 5)).toBe(floats(small.weight.data)[3 * 32 + 5])
  const file = await written({ ...small, steps: { dtype: 'I64', shape: [1], data: new Uint8Array(8) } })
  await expect(readSafetensors(file)).rejects.toMatchObject({
    code: 'INVALID_TENSOR',
    details: { name: 'steps' },
  })
})
