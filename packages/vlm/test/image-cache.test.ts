import ndarray from 'ndarray'
import { expect, test } from 'vitest'
import { imageCache, type EncodedImage } from '../src'

/** An image of so many bytes. */
function image(bytes: number): EncodedImage {
  return {
    source: 'picture.png',
    pixels: ndarray(new Float32Array(bytes / 4)),
    features: undefined,
  } as unknown as EncodedImage
}

/** Asks for images by name, the second number being their bytes; which of them had to be encoded. */
async function encoded(capacity: number, asked: readonly [string, number][]): Promise<string[]> {
  const cache = imageCache(capacity)
  const names: string[] = []
  for (const [name, bytes] of asked)
    await cache.get(name, () => {
      names.push(name)
      return Promise.resolve(image(bytes))
    })
  return names
}

test('an image that is there is not encoded again; the one that was not asked for longest makes room', async () => {
  const [a, b, c]: [string, number][] = [
    ['a', 40],
    ['b', 40],
    ['c', 40],
  ]
  expect(await encoded(80, [a, a, b, a, b])).toEqual(['a', 'b'])
  expect(await encoded(80, [a, b, a, c, a, b])).toEqual(['a', 'b', 'c', 'b'])
})

test('an image larger than the whole cache is not kept and drives nothing out', async () => {
  expect(
    await encoded(80, [
      ['a', 40],
      ['large', 84],
      ['a', 40],
      ['large', 84],
    ]),
  ).toEqual(['a', 'large', 'large'])
})

test('what cannot be encoded is asked for again', async () => {
  const cache = imageCache(80)
  await expect(cache.get('a', () => Promise.reject(new Error('damaged')))).rejects.toThrow('damaged')
  expect(await cache.get('a', () => Promise.resolve(image(8)))).toMatchObject({ pixels: { size: 2 } })
})

test('a source of bytes or pixels counts, a path does not', async () => {
  const bytes = new Uint8Array(40)
  const kept = async (source: EncodedImage['source']) => {
    const cache = imageCache(80)
    let calls = 0
    for (let i = 0; i < 2; i++)
      await cache.get('a', () => {
        calls++
        return Promise.resolve({ ...image(44), source })
      })
    return calls === 1
  }
  expect(await kept('picture.png')).toBe(true)
  expect(await kept(bytes)).toBe(false)
  expect(await kept(ndarray(bytes))).toBe(false)
})

test('a decoded image that is kept counts, its alpha too', async () => {
  const decoded = { width: 2, height: 4, data: new Uint8Array(24), alpha: new Uint8Array(8) }
  const names: string[] = []
  const cache = imageCache(80)
  for (const name of ['a', 'b', 'a'])
    await cache.get(name, () => {
      names.push(name)
      return Promise.resolve({ ...image(12), decoded })
    })
  expect(names).toEqual(['a', 'b', 'a'])
})
