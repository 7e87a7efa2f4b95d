/** Expected pixels and verdicts are Pillow's, made by fixtures/images/make_images.py. */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { crc32, deflateSync } from 'node:zlib'
import { EvolmmError } from '@evolmm/internal'
import ndarray from 'ndarray'
import { afterAll, expect, test } from 'vitest'
import sharp from 'sharp'
import { decodeImage, decodeRgb } from '../src/image/decode-image'

interface Decoded {
  width: number
  height: number
  sha256: string
  /** The digest of the alpha of an image that is not opaque everywhere. */
  alpha?: string
}
interface Damaged {
  file: string
  /** Bytes left at the beginning. */
  keep?: number
  /** Place of a changed byte. */
  flip?: number
  sha256: string | null
}

const folder = join(import.meta.dirname, 'fixtures/images')
const { images, damaged } = JSON.parse(readFileSync(join(folder, 'decoded.json'), 'utf8')) as {
  images: Record<string, Decoded>
  damaged: Damaged[]
}
const scratch = mkdtempSync(join(tmpdir(), 'evolmm-decode-'))
afterAll(() => {
  rmSync(scratch, { recursive: true })
})

const fixture = (name: string) => readFileSync(join(folder, name))
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

const exact = Object.entries(images).filter(([name]) => !name.endsWith('.avif'))

test.each(exact)('%s decodes to the bytes that Pillow gives', async (name, expected) => {
  const { shape, data } = await decodeImage(join(folder, name))
  expect(shape).toEqual([expected.height, expected.width, 3])
  expect(sha256(data)).toBe(expected.sha256)
})

test.each(exact)(
  '%s has the alpha that Pillow gives, if it is asked for, and the same colours',
  async (name, expected) => {
    const path = join(folder, name)
    const { data, alpha } = await decodeRgb(path, { alpha: true })
    expect(sha256(data)).toBe(expected.sha256)
    const transparent = alpha?.some((value) => value < 255) ?? false
    expect(transparent && alpha !== undefined ? sha256(alpha) : undefined).toBe(expected.alpha)
    expect((await decodeRgb(path)).alpha).toBeUndefined()
  },
)

// Bounds as measured: both decode the same YUV, and turn it into RGB by different roundings and upsamplings.
test.each([
  ['444-alpha.avif', 1, 0.21],
  ['420.avif', 81, 5.45],
])('%s is at most %i and on average %f away from Pillow', async (name, bound, meanBound) => {
  const { data } = await decodeImage(join(folder, name))
  const expected = fixture(`${name}.rgb`)
  expect(data.length).toBe(expected.length)
  const apart = expected.map((value, i) => Math.abs(value - data[i]))
  expect(Math.max(...apart)).toBeLessThanOrEqual(bound)
  expect(apart.reduce((sum, value) => sum + value, 0) / apart.length).toBeLessThan(meanBound)
})

/** Files for which libnsgif is stricter than Pillow (no end marker), and laxer (codes that decode to too few pixels). */
const otherVerdict = new Set(['plain.gif 1243', 'plain.gif 1076', 'animated.gif 379', 'animated.gif 767'])

test('what Pillow does with damaged files is done: the same pixels, or an error', async () => {
  const differing: string[] = []
  for (const { file, keep, flip, sha256: expected } of damaged) {
    const bytes = fixture(file)
    if (flip !== undefined) bytes[flip] ^= 0x5a
    const got: string | null = await decodeImage(bytes.subarray(0, keep)).then(
      ({ data }) => sha256(data),
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'IMAGE_UNREADABLE', details: { image: 'image bytes' } })
        return null
      },
    )
    if (got !== expected) differing.push(`${file} ${keep ?? flip}`)
  }
  expect(damaged.length).toBeGreaterThan(250)
  expect(new Set(differing)).toEqual(otherVerdict)
})

test('a path, a file URL, a buffer, a view of one and decoded pixels give the same image', async () => {
  const path = join(folder, '420.jpg')
  const bytes = fixture('420.jpg')
  const shifted = new Uint8Array([1, 2, 3, ...bytes, 4]).subarray(3, -1)
  const image = await decodeImage(path)
  expect(image.data.constructor).toBe(Uint8Array)
  for (const source of [pathToFileURL(path), bytes, new Uint8Array(bytes), shifted, image])
    expect(await decodeImage(source)).toEqual(image)
  expect(await decodeImage(image)).toBe(image)
})

test('the extension of a file means nothing', async () => {
  const path = join(scratch, 'really-a-jpeg.png')
  writeFileSync(path, fixture('420.jpg'))
  expect(await decodeImage(path)).toEqual(await decodeImage(join(folder, '420.jpg')))
})

async function failure(source: unknown): Promise<EvolmmError> {
  const error: unknown = await decodeImage(source as string).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(EvolmmError)
  return error as EvolmmError
}

test('what is not a readable image is one error that names the file and says what was found', async () => {
  const file = (name: string, content: string | Uint8Array) => {
    const path = join(scratch, name)
    writeFileSync(path, content)
    return path
  }
  symlinkSync(join(scratch, 'nowhere'), join(scratch, 'link.png'))
  const endless = file('endless.png', '')
  truncateSync(endless, 2 ** 36)
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>'
  for (const [path, got] of [
    [join(scratch, 'missing.png'), 'ENOENT'],
    [join(scratch, 'link.png'), 'ENOENT'],
    [scratch, 'something else'],
    [endless, 'one of more than 1 GiB'],
    ['nul\0byte', 'null bytes'],
    ['', 'ENOENT'],
    [file('empty.png', ''), 'no bytes'],
    [file('text.png', 'no image at all'), 'no known format'],
    [file('vector.svg', svg), 'svg'],
    [file('head.png', fixture('rgb.png').subarray(0, 20)), 'damaged header'],
    [file('cut.png', fixture('rgb.png').subarray(0, 2000)), 'png that is damaged or ends early'],
  ] as const) {
    const error = await failure(path)
    expect(error).toMatchObject({ code: 'IMAGE_UNREADABLE', details: { image: path } })
    expect(error.message.startsWith(`${path}: must `)).toBe(true)
    expect(error.message).toContain(got)
  }
  const http = await failure(new URL('http://localhost/x.png'))
  expect(http).toMatchObject({ code: 'IMAGE_UNREADABLE', details: { image: 'http://localhost/x.png' } })
})

const root = process.getuid?.() === 0
test.skipIf(root || process.platform === 'win32')(
  `a file that may not be read is that error${root ? ' (skipped: root may read everything)' : ''}`,
  async () => {
    const path = join(scratch, 'secret.png')
    writeFileSync(path, fixture('rgb.png'))
    chmodSync(path, 0)
    expect(await failure(path)).toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: expect.stringContaining('EACCES') as string,
    })
  },
)

/** A grey PNG that declares a size and holds the pixels of one row. */
function declaring(width: number, height: number): Buffer {
  const chunk = (name: string, content: Buffer) => {
    const body = Buffer.concat([Buffer.from(name), content])
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(content.length)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, sum])
  }
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0])
  head.writeUInt32BE(width)
  head.writeUInt32BE(height, 4)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(Buffer.alloc(width + 1))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

test('a decompression bomb is refused by its header, where Pillow refuses it', async () => {
  for (const [width, height] of [
    [60_000, 60_000],
    [13_378, 13_377],
  ] as const)
    expect((await failure(declaring(width, height))).message).toBe(
      `image bytes: must have at most 178956970 pixels, got ${width}x${height}; scale it down`,
    )
  expect((await failure(declaring(4000, 3000))).message).toContain('ends early')
})

test('pixels that do not fit their size, and other values, are an invalid option', async () => {
  const data = new Uint8Array(12)
  const view = ndarray(data, [2, 2, 3])
  expect(await decodeImage(view)).toBe(view)
  for (const bad of [
    ndarray(new Uint8Array(11), [2, 2, 3]),
    { ...view, shape: [-2, 2, 3] },
    { ...view, shape: [1.5, 2, 3] },
    ndarray(new Uint8Array(0), [0, 0, 3]),
    ndarray([...data], [2, 2, 3]),
    ndarray(data, [3, 4]),
    ndarray(data, [3, 2, 2]),
    { ...view, offset: 1 },
    { ...view, offset: -1 },
    { ...view, stride: [-6, 3, 1] },
    { ...view, stride: [6, 3] },
    { shape: [2, 2, 3] },
    {},
    null,
    undefined,
    7,
  ])
    expect(await failure(bad)).toMatchObject({ code: 'INVALID_OPTION' })
})

test('a small GIF that would decode to more than a gigabyte is refused from its header', async () => {
  const gif = await sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } })
    .gif()
    .toBuffer()
  // The sizes of the screen and of its one frame.
  const frame = gif.indexOf(0x2c, 13 + 3 * 2 ** ((gif[10] & 7) + 1))
  for (const at of [6, 8, frame + 5, frame + 7]) gif.writeUInt16LE(13_000, at)
  await expect(decodeImage(gif)).rejects.toMatchObject({
    code: 'IMAGE_UNREADABLE',
    message: expect.stringContaining('must have at most 89478485 pixels, got 13000x13000') as string,
  })
})
