/** Expected hashes and sizes are those of Pillow and transformers, made by fixtures/images/make_numbers.py. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { resamplings, resize, type Resampling } from '../src/image/resize'
import { smartResize } from '../src/backbones/parts/smart-resize'

type Pair = [width: number, height: number]
const numbers = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/images/numbers.json'), 'utf8'),
) as {
  resize: { resampling: Resampling; from: Pair; to: Pair; extreme: boolean; sha256: string }[]
  smart_resize: [...Pair, factor: number, minPixels: number, maxPixels: number, expected: Pair | null][]
}

/** The bytes of `scattered` in make_numbers.py. */
function scattered([width, height]: Pair, extreme: boolean) {
  const byte = (i: number) => (Math.imul(i, 2654435761) >>> 13) & 255
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    extreme ? (byte(i) > 127 ? 255 : 0) : byte(i),
  )
  return { width, height, data }
}

test.each(numbers.resize)(
  '$resampling from $from to $to gives the bytes of Pillow (extreme: $extreme)',
  (item) => {
    const [width, height] = item.to
    const image = resize(scattered(item.from, item.extreme), { width, height }, item.resampling)
    expect([image.width, image.height, image.data.length]).toEqual([width, height, width * height * 3])
    expect(createHash('sha256').update(image.data).digest('hex')).toBe(item.sha256)
  },
)

const side = fc.integer({ min: 1, max: 60 })
const byte = fc.integer({ min: 0, max: 255 })

test('an image of one colour keeps it at any size, and the source is left alone', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...resamplings.values()),
      side,
      side,
      side,
      side,
      byte,
      byte,
      byte,
      (kind, width, height, toWidth, toHeight, ...color) => {
        const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => color[i % 3])
        const before = data.slice()
        const image = resize({ width, height, data }, { width: toWidth, height: toHeight }, kind)
        const plain = Uint8Array.from({ length: toWidth * toHeight * 3 }, (_, i) => color[i % 3])
        expect(Buffer.compare(image.data, plain)).toBe(0)
        expect(Buffer.compare(data, before)).toBe(0)
      },
    ),
    { seed: 1 },
  )
})

test('resizing to no size is an invalid option', () => {
  const image = scattered([4, 4], false)
  for (const [width, height] of [
    [0, 4],
    [4, -1],
    [4, 1.5],
    [NaN, 4],
  ])
    expect(() => resize(image, { width, height }, 'bicubic')).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
})

test('sizes for the model are those of transformers, halves rounded to even and narrow images refused', () => {
  for (const [width, height, factor, minPixels, maxPixels, expected] of numbers.smart_resize) {
    const run = () => smartResize({ width, height, factor, minPixels, maxPixels })
    if (expected === null)
      expect(run).toThrow(expect.objectContaining({ code: 'IMAGE_TOO_NARROW', details: { width, height } }))
    else expect(run(), `${width}x${height}`).toEqual({ width: expected[0], height: expected[1] })
  }
  expect(numbers.smart_resize.length).toBe(600)
})

test('bounds that cannot be are an invalid option', () => {
  const good = { width: 100, height: 100, factor: 28, minPixels: 784, maxPixels: 7840 }
  for (const bad of [{ width: 0 }, { height: 2.5 }, { factor: 0 }, { minPixels: 0 }, { maxPixels: 783 }])
    expect(() => smartResize({ ...good, ...bad })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
})
