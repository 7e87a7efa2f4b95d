/** Expected patches are those of transformers: the tiny checkpoint's reference, and fixtures/images/make_numbers.py. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { narrowHalf } from '@evolmm/safetensors'
import { imagePatches } from '../src/backbones/parts/image-patches'
import { decodeImage } from '../src/image/decode-image'
import { rgbImage } from '../src/image/rgb-image'
import { readBackbone } from '../src/backbones/open-backbone'
import { readPatchSettings } from '../src/backbones/parts/patch-settings'
import { openProcessor } from '../src/open-processor'

const fixtures = join(import.meta.dirname, 'fixtures')
const tiny = join(fixtures, 'qwen2_5_vl-tiny')
const readJson = (...path: string[]): unknown => JSON.parse(readFileSync(join(...path), 'utf8'))

const reference = readJson(tiny, 'reference.json') as {
  images: { file: string; width: number; height: number; grid_thw: number[] }[]
}
const numbers = readJson(fixtures, 'images/numbers.json') as {
  patches: { settings: string; options: object; file: string; grid: number[]; sha256: string }[]
}

/** The bits of a float16 tensor in the reference. */
function halfTensor(name: string): Uint16Array {
  const bytes = readFileSync(join(tiny, 'reference.safetensors'))
  const start = 8 + Number(bytes.readBigUInt64LE())
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >
  const { dtype, data_offsets: offsets } = header[name]
  expect(dtype).toBe('F16')
  return new Uint16Array(new Uint8Array(bytes.subarray(start + offsets[0], start + offsets[1])).buffer)
}

const scratch = mkdtempSync(join(tmpdir(), 'evolmm-processor-'))
afterAll(() => {
  rmSync(scratch, { recursive: true })
})
let folders = 0

/** A checkpoint folder with such files. */
function folderOf(files: Record<string, unknown>): string {
  const folder = mkdtempSync(join(scratch, String(folders++)))
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return folder
}

test.each(reference.images)('the patches of $file are those of the reference', async (item) => {
  const config = await readPatchSettings(tiny)
  const image = rgbImage(await decodeImage(join(tiny, 'images', item.file)))
  expect([image.width, image.height]).toEqual([item.width, item.height])
  const { pixels, grid } = imagePatches(image, config)
  expect(grid).toEqual(item.grid_thw)
  expect(Buffer.from(narrowHalf(pixels, 'float16').buffer).equals(halfBytes(`pixels.${item.file}`))).toBe(
    true,
  )
})

function halfBytes(name: string): Buffer {
  return Buffer.from(halfTensor(name).buffer)
}

test.each(numbers.patches)(
  'with the settings "$settings", $file becomes the same float32 numbers, bit for bit',
  async ({ options, file, grid, sha256 }) => {
    const config = await readPatchSettings(folderOf({ 'preprocessor_config.json': options }))
    const patches = imagePatches(rgbImage(await decodeImage(join(tiny, 'images', file))), config)
    expect(patches.grid).toEqual(grid)
    const bytes = new Uint8Array(patches.pixels.buffer)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
  },
)

test('without resizing, an image that does not divide into squares of patches is an error', async () => {
  const settings = { do_resize: false }
  const config = await readPatchSettings(folderOf({ 'preprocessor_config.json': settings }))
  for (const [width, height] of [
    [56, 57],
    [14, 28],
  ])
    expect(() => imagePatches({ width, height, data: new Uint8Array(width * height * 3) }, config)).toThrow(
      expect.objectContaining({ code: 'IMAGE_SIZE_UNSUPPORTED' }),
    )
})

test('an empty configuration has the defaults of transformers', async () => {
  expect(await readPatchSettings(folderOf({ 'preprocessor_config.json': {} }))).toEqual({
    minPixels: 3136,
    maxPixels: 1003520,
    patchSize: 14,
    temporalPatchSize: 2,
    mergeSize: 2,
    resize: true,
    resampling: 'bicubic',
    rescaleFactor: 1 / 255,
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
  })
})

test('bounds come from options, then min_pixels and max_pixels, then size; the joint file goes first', async () => {
  const size = { shortest_edge: 1000, longest_edge: 9000 }
  const bounds = async (files: Record<string, unknown>, options = {}) => {
    const config = await readPatchSettings(folderOf(files), options)
    return [config.minPixels, config.maxPixels]
  }
  const single = (settings: object) => ({ 'preprocessor_config.json': settings })
  expect(await bounds(single({ size }))).toEqual([1000, 9000])
  expect(await bounds(single({ size, max_pixels: 8000 }))).toEqual([1000, 8000])
  expect(await bounds(single({ size, min_pixels: 500 }), { maxPixels: 700 })).toEqual([500, 700])
  expect(await bounds(single({ size: {} }), { minPixels: 1, maxPixels: 1 })).toEqual([1, 1])
  const joint = { image_processor: { size }, video_processor: { size: {} } }
  expect(await bounds({ ...single({ min_pixels: 1 }), 'processor_config.json': joint })).toEqual([1000, 9000])
  expect(await bounds({ ...single({ size }), 'processor_config.json': { processor_class: 'X' } })).toEqual([
    1000, 9000,
  ])
})

test('one number stands for all three channels', async () => {
  const settings = { image_mean: 0.5, image_std: 0.25 }
  const folder = folderOf({ 'preprocessor_config.json': settings })
  expect(await readPatchSettings(folder)).toMatchObject({
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
  })
})

test('a field that is wrong or not implemented is an error that names file and field', async () => {
  for (const [settings, field] of [
    [{ patch_size: 0 }, 'patch_size'],
    [{ patch_size: '14' }, 'patch_size'],
    [{ merge_size: 1.5 }, 'merge_size'],
    [{ min_pixels: -1 }, 'min_pixels'],
    [{ max_pixels: null, size: { shortest_edge: 1 } }, 'size.longest_edge'],
    [{ size: { shortest_edge: 'a', longest_edge: 1 } }, 'size.shortest_edge'],
    [{ min_pixels: 10, max_pixels: 9 }, 'min_pixels'],
    [{ resample: 4 }, 'resample'],
    [{ do_resize: 'yes' }, 'do_resize'],
    [{ rescale_factor: null }, 'rescale_factor'],
    [{ image_mean: [0, 1] }, 'image_mean'],
    [{ image_mean: 1e308 }, 'image_mean'],
    [{ image_std: 1e-300 }, 'image_std'],
    [{ rescale_factor: 1e300 }, 'rescale_factor'],
    [{ min_pixels: 2e8, max_pixels: 3e8 }, 'min_pixels'],
    [{ patch_size: 100_000 }, 'patch_size'],
    [{ image_std: [1, 0, 1] }, 'image_std.1'],
  ] as const) {
    for (const name of ['preprocessor_config.json', 'processor_config.json']) {
      const joint = name === 'processor_config.json'
      const folder = folderOf({ [name]: joint ? { image_processor: settings } : settings })
      const file = join(folder, name)
      const path = joint ? `image_processor.${field}` : field
      await expect(readPatchSettings(folder), path).rejects.toMatchObject({
        code: 'INVALID_CONFIG',
        details: { file, field: path },
        message: expect.stringContaining(`${file}: ${path}: `) as string,
      })
    }
  }
})

test('a missing or damaged file, and options that are no bounds, are one typed error each', async () => {
  await expect(readPatchSettings(folderOf({}))).rejects.toMatchObject({
    code: 'CHECKPOINT_FILE_NOT_FOUND',
  })
  // Nobody can go through what is nested as deeply as the last one.
  const deep = `{"patch_size": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`
  for (const text of ['', '{', '[]', 'null', '7', deep])
    await expect(readPatchSettings(folderOf({ 'preprocessor_config.json': text }))).rejects.toMatchObject({
      code: 'CHECKPOINT_FILE_DAMAGED',
    })
  const { vision } = await readBackbone(tiny)
  for (const bad of [{ minPixels: 0 }, { maxPixels: 2.5 }, { maxPixels: 100 }, { minPixels: 1e9 }])
    await expect(openProcessor(vision, tiny, bad)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
})
