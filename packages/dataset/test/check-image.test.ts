import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import sharp from 'sharp'
import { build } from 'tsup'
import { expect, test } from 'vitest'
import { checkImage, type CheckOptions } from '@evolmm/dataset'
import { addFiles, craftedPng, folderOf, picture, pngChunk } from './make-images'
import { peakMegabytes } from './peak-memory'

const noise = picture(64)
const bytes = {
  png: await noise.png().toBuffer(),
  'interlaced.png': await noise.png({ progressive: true }).toBuffer(),
  jpg: await noise.jpeg().toBuffer(),
  'progressive.jpeg': await noise.jpeg({ progressive: true }).toBuffer(),
  webp: await noise.webp().toBuffer(),
  'lossless.webp': await noise.webp({ lossless: true }).toBuffer(),
  gif: await noise.gif().toBuffer(),
  tif: await noise.tiff({ compression: 'lzw' }).toBuffer(),
  'tiled.tiff': await noise
    .tiff({ compression: 'deflate', tile: true, tileWidth: 16, tileHeight: 16 })
    .toBuffer(),
  avif: await noise.avif().toBuffer(),
}
const names = Object.keys(bytes) as (keyof typeof bytes)[]

/** Checks a file of that name and content. */
async function check(name: string, content: string | Buffer, options?: CheckOptions) {
  const root = folderOf({ [name]: content })
  return checkImage(join(root, name), options)
}

const patched = (content: Buffer, patch: (copy: Buffer) => void) => {
  const copy = Buffer.from(content)
  patch(copy)
  return copy
}

const middle = (content: Buffer) => Math.floor(content.length / 2)

/** Inverts bits in the middle: what follows cannot be decoded as it was meant. */
const scrambled = (content: Buffer) =>
  patched(content, (copy) => {
    for (let i = middle(copy); i < middle(copy) + 300; i++) copy[i] ^= 0x5a
  })

test.each(names)('a healthy .%s is usable, and so it is with harmless bytes behind it', async (name) => {
  const last = name.slice(name.indexOf('.') + 1)
  const format = { jpg: 'jpeg', tif: 'tiff' }[last] ?? last
  const expected = { usable: true, width: 64, height: 64, format }
  expect(await check(`x.${name}`, bytes[name])).toEqual(expected)
  expect(await check(`x.${name}`, Buffer.concat([bytes[name], Buffer.from('trailing\0\0\0')]))).toEqual(
    expected,
  )
})

test('unusual but healthy images are usable', async () => {
  for (const [name, content] of [
    ['16bit.png', await noise.clone().toColourspace('rgb16').png().toBuffer()],
    ['grey.jpg', await noise.clone().greyscale().jpeg().toBuffer()],
    ['cmyk.jpg', await noise.clone().toColourspace('cmyk').jpeg().toBuffer()],
    ['alpha.webp', await noise.clone().ensureAlpha(0.5).webp().toBuffer()],
    ['palette.png', await noise.clone().png({ palette: true }).toBuffer()],
  ] as const)
    expect(await check(name, content), name).toMatchObject({ usable: true, width: 64, height: 64 })
  expect(
    await check(
      'turned.jpg',
      await picture(8).resize(8, 4).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    ),
  ).toEqual({ usable: true, width: 8, height: 4, format: 'jpeg' })
})

test('the extension counts in any case', async () => {
  expect(await check('X.JPG', bytes.jpg)).toMatchObject({ usable: true })
})

// Where each format notices: nearly everywhere. A cut inside the last bytes may leave all pixels intact.
test.each(names)('a truncated .%s is found wherever it is cut', async (name) => {
  const { length } = bytes[name]
  for (const part of [0.3, 0.5, 0.7, 0.9, 0.97]) {
    const result = await check(`x.${name}`, bytes[name].subarray(0, Math.floor(length * part)))
    const detail: unknown = expect.stringMatching(/^[^\n]+$/)
    expect(result, `cut at ${part}`).toEqual({ usable: false, reason: 'truncated', detail })
  }
})

test('a PNG that lacks only its end marker has all its pixels, and is usable as in Pillow', async () => {
  expect(await check('x.png', bytes.png.subarray(0, -12))).toMatchObject({ usable: true })
})

test('a WebP that lacks its last byte is truncated', async () => {
  for (const name of ['webp', 'lossless.webp'] as const)
    expect(await check(`x.${name}`, bytes[name].subarray(0, -1))).toMatchObject({ reason: 'truncated' })
})

test('a JPEG cut in its header is truncated', async () => {
  expect(await check('x.jpg', bytes.jpg.subarray(0, 100))).toMatchObject({
    usable: false,
    reason: 'truncated',
  })
})

test('damage that leaves the length as it was is corruption', async () => {
  for (const name of ['png', 'interlaced.png', 'gif', 'avif', 'tif'] as const)
    expect(await check(`x.${name}`, scrambled(bytes[name])), name).toMatchObject({
      usable: false,
      reason: 'corrupted',
    })
  // One bit of a checksum.
  const flipped = patched(bytes.png, (copy) => (copy[copy.length - 13] ^= 1))
  expect(await check('x.png', flipped)).toMatchObject({ usable: false, reason: 'corrupted' })
  // A chunk that is not where the one before says, so that lengths cannot be trusted.
  const data = bytes.png.indexOf('IDAT') - 4
  const unnamed = patched(bytes.png, (copy) => copy.writeUInt32BE(copy.readUInt32BE(data) - 101, data))
  expect(await check('x.png', unnamed)).toMatchObject({ usable: false, reason: 'corrupted' })
})

// 64 pixels: the decoder overlooks this damage when it decodes at a reduced size.
test.each([64, 512])('broken entropy data in a JPEG of %i pixels a side is found', async (size) => {
  const result = await check('x.jpg', scrambled(await picture(size).jpeg().toBuffer()))
  expect(result).toEqual({
    usable: false,
    reason: 'corrupted',
    detail: expect.stringMatching(/^VipsJpeg: Corrupt JPEG data: [^\n]+$/) as string,
  })
})

test('broken frame data in a GIF is found, also where the decoder only warns', async () => {
  const zeros = patched(bytes.gif, (copy) => copy.fill(0, middle(copy), middle(copy) + 400))
  expect(await check('x.gif', zeros)).toMatchObject({ usable: false, reason: 'corrupted' })
})

const harmless = {
  // The spectral end of a baseline scan, which some cameras write as 0: libjpeg warns and decodes all the same.
  'sos.jpg': patched(bytes.jpg, (copy) => (copy[copy.indexOf(Buffer.from([0xff, 0xda])) + 11] = 0)),
  'padding.jpg': Buffer.concat([bytes.jpg.subarray(0, 20), Buffer.from([1, 2, 3]), bytes.jpg.subarray(20)]),
  'comment.png': Buffer.concat([
    bytes.png.subarray(0, 33),
    patched(pngChunk('tEXt', Buffer.from('Comment\0hello')), (copy) => (copy[copy.length - 1] ^= 1)),
    bytes.png.subarray(33),
  ]),
}

test.each(Object.keys(harmless) as (keyof typeof harmless)[])(
  'warnings that leave the pixels alone pass: %s',
  async (name) => {
    expect(await check(name, harmless[name])).toMatchObject({ usable: true })
  },
)

test('a verdict does not depend on what is checked beside it', async () => {
  const files: Record<string, Buffer> = {}
  for (let i = 0; i < 12; i++) {
    files[`${i}-harmless.jpg`] = harmless['sos.jpg']
    files[`${i}-padding.jpg`] = harmless['padding.jpg']
    files[`${i}-damaged.jpg`] = scrambled(bytes.jpg)
    files[`${i}-cut.jpg`] = bytes.jpg.subarray(0, 1000)
    files[`${i}-zeros.png`] = patched(bytes.png, (copy) => copy.fill(0, 500, 600))
    files[`${i}-good.webp`] = bytes.webp
  }
  const root = folderOf(files)
  const verdicts = await Promise.all(
    Object.keys(files).map(async (name) => {
      const result = await checkImage(join(root, name))
      return `${name.slice(name.indexOf('-') + 1)} ${result.usable ? 'usable' : result.reason}`
    }),
  )
  expect([...new Set(verdicts)].sort()).toEqual([
    'cut.jpg truncated',
    'damaged.jpg corrupted',
    'good.webp usable',
    'harmless.jpg usable',
    'padding.jpg usable',
    'zeros.png corrupted',
  ])
})

test('no bytes, no file, no regular file', async () => {
  expect(await check('x.png', '')).toEqual({
    usable: false,
    reason: 'empty',
    detail: 'the file has no bytes',
  })
  const root = folderOf()
  mkdirSync(join(root, 'folder.png'))
  symlinkSync(join(root, 'nowhere'), join(root, 'link.png'))
  expect(await checkImage(join(root, 'folder.png'))).toMatchObject({
    reason: 'unreadable',
    detail: 'it is not a regular file',
  })
  for (const name of ['missing.png', 'link.png'])
    expect(await checkImage(join(root, name))).toMatchObject({
      reason: 'unreadable',
      detail: expect.stringMatching(/^ENOENT/) as string,
    })
})

test('content of another format than the name says is skipped, or used on request', async () => {
  for (const [name, format, key] of [
    ['x.png', 'jpeg', 'jpg'],
    ['x.jpg', 'png', 'png'],
    ['x.jpg', 'webp', 'webp'],
    ['x.webp', 'gif', 'gif'],
    ['x.jpg', 'avif', 'avif'],
    ['x', 'png', 'png'],
  ] as const) {
    expect(await check(name, bytes[key])).toEqual({
      usable: false,
      reason: 'wrong-extension',
      detail: `its content is ${format}; rename it or accept wrong extensions`,
    })
    expect(await check(name, bytes[key], { acceptWrongExtension: true })).toMatchObject({
      usable: true,
      format,
    })
  }
})

test('what is no image at all is corrupted, whatever it may be otherwise', async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>'
  for (const content of ['just text, no image', 'x', svg, 'BMW is no bitmap'])
    for (const acceptWrongExtension of [false, true])
      expect(await check('x.png', content, { acceptWrongExtension })).toMatchObject({
        usable: false,
        reason: 'corrupted',
      })
})

test('what the decoder lacks is unsupported, with a reason that says so', async () => {
  const bmp = Buffer.alloc(70)
  bmp.write('BM')
  expect(await check('x.bmp', bmp)).toMatchObject({
    reason: 'unsupported',
    detail: expect.stringContaining('no BMP decoder') as string,
  })
  expect(await check('x.png', bmp)).toMatchObject({ reason: 'wrong-extension' })
  const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0heicmif1', 'latin1')
  expect(await check('x.jpg', heic)).toMatchObject({ reason: 'wrong-extension' })
  expect(await check('x.jpg', heic, { acceptWrongExtension: true })).toMatchObject({
    reason: 'unsupported',
    detail: expect.stringContaining('no HEIC decoder') as string,
  })
  // The general brand of both is told apart by the brands that it is compatible with.
  const general = patched(bytes.avif, (copy) => copy.write('mif1', 8))
  expect(await check('x.avif', general)).toMatchObject({ usable: true, format: 'avif' })
  const other = Buffer.from(heic.toString('latin1').replace('heic', 'mif1'), 'latin1')
  expect(await check('x.avif', other)).toMatchObject({
    reason: 'wrong-extension',
    detail: expect.stringContaining('heic') as string,
  })
  // TIFF with the number of a compression that libtiff knows but was built without.
  const directory = bytes.tif.readUInt32LE(4)
  const exotic = patched(bytes.tif, (copy) => {
    for (let at = directory + 2; at < copy.length - 12; at += 12)
      if (copy.readUInt16LE(at) === 259) copy.writeUInt16LE(34887, at + 8)
  })
  expect(await check('x.tif', exotic)).toMatchObject({
    reason: 'unsupported',
    detail: expect.stringContaining('not configured') as string,
  })
})

test('a TIFF with its bytes in the other order is checked the same', async () => {
  const motorola = Buffer.from('MM\0*\0\0\x40\0', 'latin1')
  expect(await check('x.tif', Buffer.concat([motorola, Buffer.alloc(100)]))).toMatchObject({
    reason: 'truncated',
  })
})

test('a decompression bomb is refused by its header', async () => {
  expect(await check('x.png', craftedPng(60_000, 60_000))).toEqual({
    usable: false,
    reason: 'too-large',
    detail: 'it declares 60000x60000 pixels, more than 178956970',
  })
  // The limit is where Pillow has it; below it, the same file is decoded and found wanting.
  expect(await check('x.png', craftedPng(13_378, 13_377))).toMatchObject({ reason: 'too-large' })
  expect(await check('x.png', craftedPng(13_377, 13_377))).toMatchObject({ reason: 'corrupted' })
})

test('maxPixels is the largest number of pixels that is accepted', async () => {
  const flat = await sharp({ create: { width: 3000, height: 2000, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  expect(flat.length).toBeLessThan(100_000)
  expect(await check('x.png', flat, { maxPixels: 6_000_000 })).toMatchObject({
    usable: true,
    width: 3000,
    height: 2000,
  })
  expect(await check('x.png', flat, { maxPixels: 5_999_999 })).toMatchObject({
    usable: false,
    reason: 'too-large',
  })
})

test('bad options are errors', async () => {
  for (const bad of [{ maxPixels: 0 }, { maxPixels: 1.5 }, { maxPixels: '1' }, { acceptWrongExtension: 1 }])
    await expect(checkImage('x.png', bad as never)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
})

test('a file that is replaced is read anew', async () => {
  const root = folderOf({ 'x.png': bytes.png })
  expect(await checkImage(join(root, 'x.png'))).toMatchObject({ usable: true, width: 64 })
  addFiles(root, { 'x.png': await picture(32).png().toBuffer() })
  expect(await checkImage(join(root, 'x.png'))).toMatchObject({ usable: true, width: 32 })
  addFiles(root, { 'x.png': bytes.png.subarray(0, 2000) })
  expect(await checkImage(join(root, 'x.png'))).toMatchObject({ usable: false, reason: 'truncated' })
  rmSync(join(root, 'x.png'))
  expect(await checkImage(join(root, 'x.png'))).toMatchObject({ usable: false, reason: 'unreadable' })
})

test('decoding needs far less memory than the pixels would', async () => {
  // 144 million pixels: 432 MB if they were held.
  const bomb = { width: 12_000, height: 12_000, channels: 3 as const, background: 'red' }
  const root = folderOf()
  await sharp({ create: bomb }).png().toFile(join(root, 'large.png'))
  const entry = resolve(import.meta.dirname, '../src/check-image.ts')
  await build({
    entry: [entry],
    outDir: root,
    format: 'cjs',
    config: false,
    silent: true,
    external: ['sharp'],
    noExternal: ['@evolmm/internal'],
  })
  const script = `
    require('./check-image.cjs').checkImage('large.png').then(({ usable }) =>
      console.log(usable, ${peakMegabytes}))`
  const env = { ...process.env, NODE_PATH: resolve(import.meta.dirname, '../node_modules') }
  const [usable, megabytes] = execFileSync(process.execPath, ['-e', script], {
    cwd: root,
    env,
    encoding: 'utf8',
  }).split(' ')
  expect(usable).toBe('true')
  expect(Number(megabytes)).toBeLessThan(250)
})
