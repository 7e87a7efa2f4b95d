/**
 * An image as the RGB bytes that Pillow's `Image.open(file).convert('RGB')` gives, since those are what models were
 * trained on: alpha is dropped and not blended, ICC profiles and gamma are not applied, EXIF rotation is not followed
 * (that of TIFF is), 16-bit grey is clipped and not scaled, of an animation the first frame counts.
 *
 * PNG, JPEG, WebP, GIF and TIFF agree bit for bit. AVIF does not: libheif and libavif turn YUV into RGB with another
 * rounding (at most 1 apart in 4:4:4) and another upsampling of colour (dozens apart at edges in 4:2:0). Damaged files
 * are refused where Pillow refuses them, except a GIF whose damaged codes still decode, to too few pixels.
 */
import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import ndarray from 'ndarray'
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp'
import { isLfsPointer, lfsPointerRule } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { fillLikePillow } from './gif-background'
import { rgbImage, type Pixels, type RgbImage } from './rgb-image'

/** Pillow draws the line at decompression bombs here. */
const maxPixels = 178_956_970

/** Bytes that an image may take while it is decoded, however small its file is; its file must not have more either. */
const mostBytes = 2 ** 30

/** Bytes that a pixel takes: as it is decoded, and as colours beside that where these are not it. */
function bytesOf({ format, space, channels, hasAlpha }: Metadata, alpha: boolean): number {
  if (space === 'grey16') return 2 * channels + 3
  // A GIF is decoded with its alpha, and painted on a canvas.
  if (format === 'gif') return 12
  if (space === 'cmyk' || (alpha && hasAlpha)) return channels + 4
  return 3
}

/** What sharp's prebuilt library decodes of raster formats; SVG, which it also opens, has no pixels of its own. */
const formats = ['png', 'jpeg', 'webp', 'gif', 'tiff', 'heif']

const inputOptions: SharpOptions = { failOn: 'error', ignoreIcc: true, limitInputPixels: false }

/** The pixels [H, W, 3] of a path, a file URL or encoded bytes; pixels are checked and returned as they are. */
export async function decodeImage(source: string | URL | Uint8Array | Pixels): Promise<Pixels> {
  if (!isFile(source)) return checkPixels(source)
  const { width, height, data } = await decodeFile(source, false)
  return ndarray(data, [height, width, 3])
}

/** The pixels of an image as kernels read them, [H, W, 3], and its opacity [H, W] where `alpha` asks for it and there is any. */
export async function decodeRgb(
  source: string | URL | Uint8Array | Pixels,
  { alpha = false }: { alpha?: boolean | undefined } = {},
): Promise<RgbImage> {
  return isFile(source) ? decodeFile(source, alpha) : rgbImage(checkPixels(source))
}

type File = string | URL | Uint8Array

function isFile(source: File | Pixels): source is File {
  return source instanceof Uint8Array || typeof source === 'string' || source instanceof URL
}

async function decodeFile(source: File, alpha: boolean): Promise<RgbImage> {
  if (source instanceof Uint8Array) return decodeBytes(source, 'image bytes', alpha)
  return decodeBytes(await read(source), String(source), alpha)
}

async function read(source: string | URL): Promise<Uint8Array> {
  try {
    const path = typeof source === 'string' ? source : fileURLToPath(source)
    const found = await stat(path)
    if (!found.isFile()) throw new Error('something else')
    if (found.size > mostBytes) throw new Error(`one of more than ${mostBytes / 2 ** 30} GiB`)
    return await readFile(path)
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause)
    throw unreadable(String(source), `must be a file that can be read, got ${got}; check the path`, cause)
  }
}

async function decodeBytes(bytes: Uint8Array, name: string, alpha: boolean): Promise<RgbImage> {
  if (bytes.length === 0) throw unreadable(name, 'must be an image, got no bytes; replace the file')
  if (isLfsPointer(bytes)) throw unreadable(name, lfsPointerRule)
  let metadata
  try {
    metadata = await sharp(bytes, inputOptions).metadata()
  } catch (cause) {
    throw unreadable(
      name,
      'must be an image, got bytes of no known format or a damaged header; replace it',
      cause,
    )
  }
  const { format, width, height } = metadata
  if (!formats.includes(format))
    throw unreadable(name, `must be PNG, JPEG, WebP, GIF, TIFF or AVIF, got ${format}; convert it`)
  const most = Math.min(maxPixels, Math.floor(mostBytes / bytesOf(metadata, alpha)))
  if (width * height > most)
    throw unreadable(name, `must have at most ${most} pixels, got ${width}x${height}; scale it down`)
  try {
    return await convert(bytes, metadata, alpha)
  } catch (cause) {
    throw unreadable(
      name,
      `must decode to the last pixel, got ${format} that is damaged or ends early; replace it`,
      cause,
    )
  }
}

async function convert(
  bytes: Uint8Array,
  { format, space, hasAlpha }: Metadata,
  wanted: boolean,
): Promise<RgbImage> {
  // libnsgif only warns of frame data that do not decode, and makes up the rest.
  const image = sharp(bytes, format === 'gif' ? { ...inputOptions, failOn: 'warning' } : inputOptions)
  if (format === 'tiff') image.autoOrient()
  if (space === 'cmyk') {
    const { data, info } = await raw(image.pipelineColourspace('cmyk').toColourspace('cmyk'))
    return { width: info.width, height: info.height, data: fromCmyk(data, info.channels) }
  }
  if (space === 'grey16') {
    const { data, info } = await raw(image.pipelineColourspace('grey16').toColourspace('grey16'), 'ushort')
    const words = new Uint16Array(data.buffer, data.byteOffset, data.length / 2)
    // Pillow reads grey with alpha (colour type 4 of a PNG) as colours, of which it keeps the high byte.
    const scaled = format === 'png' && bytes[25] === 4
    const grey = { width: info.width, height: info.height, data: fromGrey16(words, info.channels, scaled) }
    if (!wanted || info.channels % 2 === 1) return grey
    return { ...grey, alpha: Uint8Array.from(everyLast(words, info.channels), (word) => word >> 8) }
  }
  image.toColourspace('srgb')
  if (format === 'gif') {
    const { data, info } = await raw(image.ensureAlpha())
    const { rgb, alpha } = fillLikePillow(data, bytes, info.width)
    return { width: info.width, height: info.height, data: rgb, ...(wanted && { alpha }) }
  }
  // Pillow opens colours with one that is transparent as colours.
  const keyed = format === 'png' && bytes[25] === 2
  const four = wanted && hasAlpha && !keyed
  const { data, info } = await raw(four ? image.ensureAlpha() : image.removeAlpha())
  const all = new Uint8Array(data.buffer, data.byteOffset, data.length)
  const size = { width: info.width, height: info.height }
  if (!four) return { ...size, data: all }
  return { ...size, data: all.filter((_, i) => i % 4 < 3), alpha: everyLast(all, 4) }
}

/** The last of the channels of each pixel. */
function everyLast<T extends Uint8Array | Uint16Array>(data: T, channels: number): T {
  return data.filter((_, i) => i % channels === channels - 1) as T
}

function raw(image: Sharp, depth: 'uchar' | 'ushort' = 'uchar') {
  return image.raw({ depth }).toBuffer({ resolveWithObject: true })
}

/** Pillow's formula, without colour management; the product is divided by 255 and rounded. */
function fromCmyk(cmyk: Uint8Array, channels: number): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / channels) * 3)
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    const light = 255 - cmyk[from + 3]
    for (let c = 0; c < 3; c++) {
      const product = cmyk[from + c] * light + 128
      rgb[to + c] = light - ((product + (product >> 8)) >> 8)
    }
  }
  return rgb
}

function fromGrey16(words: Uint16Array, channels: number, scaled: boolean): Uint8Array {
  const rgb = new Uint8Array((words.length / channels) * 3)
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    const word = words[from]
    rgb.fill(scaled ? word >> 8 : Math.min(word, 255), to, to + 3)
  }
  return rgb
}

function checkPixels(source: Pixels): Pixels {
  // Callers may not be type-checked.
  const { data, shape, stride, offset } = (source as Partial<Pixels> | null | undefined) ?? {}
  const last = (axis: number) => ((shape?.[axis] ?? 0) - 1) * (stride?.[axis] ?? NaN)
  const ends = [0, 1, 2].map(last)
  const [first, end] = [Math.min, Math.max].map((most) =>
    ends.reduce((place, step) => place + most(step, 0), offset ?? NaN),
  )
  if (
    data instanceof Uint8Array &&
    shape?.length === 3 &&
    shape[2] === 3 &&
    shape.every((length) => Number.isSafeInteger(length) && length > 0) &&
    Number.isSafeInteger(first) &&
    Number.isSafeInteger(end) &&
    first >= 0 &&
    end < data.length
  )
    return source
  throw new EvolmmError(
    'INVALID_OPTION',
    `image: must be a path, a file URL, encoded bytes, or an ndarray [H, W, 3] of bytes, got ${
      data instanceof Uint8Array ? `[${String(shape)}] with ${data.length} bytes` : typeof source
    }; pass such a value`,
  )
}

function unreadable(image: string, rule: string, cause?: unknown): EvolmmError {
  return new EvolmmError('IMAGE_UNREADABLE', `${image}: ${rule}`, {
    details: { image },
    ...(cause !== undefined && { cause }),
  })
}
