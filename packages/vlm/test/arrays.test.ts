/** What people handle as arrays is ndarray views: what they show, and that nothing is copied. */
import { join } from 'node:path'
import type { FloatArray } from '@evolmm/safetensors'
import { adapterArrays, decodeImage, loadVlm } from '@evolmm/vlm'
import ndarray from 'ndarray'
import { afterAll, expect, test } from 'vitest'
import { take, tinyFolder } from './support/safetensors'

const vlm = await loadVlm(tinyFolder, { threads: 1 })
const file = join(tinyFolder, 'images', 'img0.png')
afterAll(() => vlm.dispose())

const rowOf = (array: FloatArray, n: number) =>
  Array.from({ length: array.shape[1] }, (_, t) => array.get(n, t))

const padded = (values: Float32Array, length: number) =>
  Array.from({ length }, (_, t) => (t < values.length ? values[t] : NaN))

test('pixels are [H, W, 3], and any view of them is an image', async () => {
  const pixels = await decodeImage(file)
  const [height, width] = pixels.shape
  expect(pixels.get(1, 2, 1)).toBe(pixels.data[(width + 2) * 3 + 1])
  const half = pixels.lo(0, 28).hi(height, width - 28)
  const copy = ndarray(new Uint8Array(height * (width - 28) * 3), [...half.shape])
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width - 28; x++)
      for (let c = 0; c < 3; c++) copy.set(y, x, c, pixels.get(y, x + 28, c))
  const [of, expected] = [await vlm.encodeImage(half), await vlm.encodeImage(copy)]
  expect(of.pixels.data).toEqual(expected.pixels.data)
  expect(of.features?.data).toEqual(expected.features?.data)
})

test('an encoded image has a row for each patch, and features for each token', async () => {
  const { tokens, patches, pixels, features } = await vlm.encodeImage(file)
  expect(pixels.shape).toEqual([patches, 3 * 2 * 14 * 14])
  expect(features?.shape).toEqual([tokens, 64])
})

test('log-probabilities and entropies of a group are arrays [N, T], NaN after the end of a row', async () => {
  const image = await vlm.encodeImage(file)
  const prompt = vlm.prompt({ images: [image], prompt: 'What is in the chart?' })
  const other = vlm.prompt({ prompt: 'How many?' })
  const prompts = [other, prompt]
  const groups = await vlm.sample({ prompts, samples: 4, maxNewTokens: 12, seeds: [1, 2] })
  const steps = Math.max(...groups.flat().map(({ ids }) => ids.length))
  for (const group of groups) {
    expect(group.logProbabilities.shape).toEqual([4, steps])
    for (const [n, { logProbabilities, sampledLogProbabilities }] of group.entries()) {
      expect(rowOf(group.logProbabilities, n)).toEqual(padded(logProbabilities, steps))
      expect(rowOf(group.sampledLogProbabilities, n)).toEqual(padded(sampledLogProbabilities, steps))
    }
  }
  expect(groups[0].logProbabilities.data).toBe(groups[1].logProbabilities.data)

  const completions = [...groups[1], groups[1][0], { ids: Int32Array.of(5) }]
  const { completions: scores } = await vlm.score({ groups: [{ prompt, completions }] })
  const longest = Math.max(...groups[1].map(({ ids }) => ids.length))
  for (const name of ['logProbabilities', 'entropy', 'kl'] as const) {
    expect(scores[0][name].shape).toEqual([6, longest])
    for (const n of completions.keys())
      expect(rowOf(scores[0][name], n)).toEqual(padded(scores[0][n][name], longest))
    expect(scores[0][1][name].buffer).toBe(scores[0][name].data.buffer)
  }
})

test('the parameters of an adapter are there by name; whoever writes into one changes the adapter', () => {
  const adapter = vlm.createAdapter({ rank: 4, targets: ['q_proj'] })
  const arrays = adapterArrays(adapter)
  expect([...arrays.keys()]).toEqual(adapter.trainable.layout.entries.map(({ name }) => name))
  const { name, offset, shape } = adapter.trainable.layout.entries[1]
  const array = take(arrays, name)
  expect(array.shape).toEqual(shape)
  array.set(1, 0, 7.5)
  expect(adapter.parameters[offset + shape[1]]).toBe(7.5)
})
