/**
 * An image as the patches that a `patchTower` reads, number for number as transformers' Qwen2VLImageProcessorPil: resize,
 * rescale, normalize in float32, and cut. Patches come in squares of `mergeSize` by `mergeSize`, the squares row by row,
 * since each square becomes one token.
 */
import { EvolmmError } from '../../errors'
import { resize } from '../../image/resize'
import type { RgbImage } from '../../image/rgb-image'
import type { Grid } from './patch-grid'
import type { PatchSettings } from './patch-settings'
import { smartResize } from './smart-resize'

export interface ImagePatches {
  /** [patches, 3 * temporalPatchSize * patchSize * patchSize]: colour, frame, row, column. */
  pixels: Float32Array
  grid: Grid
}

/** The patches of an image whose sides are those of `fittedSize`, to which it is resized. */
export function imagePatches(image: RgbImage, settings: PatchSettings): ImagePatches {
  const { patchSize, temporalPatchSize, mergeSize } = settings
  const { width, height, data } = resize(image, fittedSize(image, settings), settings.resampling)
  const grid: Grid = [1, height / patchSize, width / patchSize]
  const area = patchSize * patchSize
  const pixels = new Float32Array(width * height * 3 * temporalPatchSize)
  const values = [0, 1, 2].map((channel) => normalizedBytes(settings, channel))
  let to = 0
  for (const [top, left] of corners(grid, mergeSize, patchSize))
    for (let channel = 0; channel < 3; channel++) {
      const table = values[channel]
      const first = to
      for (let y = 0; y < patchSize; y++) {
        let from = ((top + y) * width + left) * 3 + channel
        for (let x = 0; x < patchSize; x++, from += 3) pixels[to++] = table[data[from]]
      }
      for (let frame = 1; frame < temporalPatchSize; frame++, to += area)
        pixels.copyWithin(to, first, first + area)
    }
  return { pixels, grid }
}

/** The size at which an image divides into squares of patches. Throws `IMAGE_TOO_NARROW` or `IMAGE_SIZE_UNSUPPORTED`. */
export function fittedSize(
  { width, height }: { width: number; height: number },
  settings: PatchSettings,
): { width: number; height: number } {
  const factor = settings.patchSize * settings.mergeSize
  if (settings.resize) return checkFits(smartResize({ ...settings, width, height, factor }), settings)
  if (width % factor === 0 && height % factor === 0) return checkFits({ width, height }, settings)
  throw new EvolmmError(
    'IMAGE_SIZE_UNSUPPORTED',
    `image: without resizing, sides must be multiples of ${factor}, got ${width}x${height}; turn do_resize on`,
    { details: { width, height, factor } },
  )
}

/** Numbers of the patches of one image, four bytes each. */
const mostNumbers = 2 ** 28

function checkFits(
  size: { width: number; height: number },
  { temporalPatchSize }: PatchSettings,
): typeof size {
  const { width, height } = size
  if (width * height * 3 * temporalPatchSize <= mostNumbers) return size
  throw new EvolmmError(
    'IMAGE_SIZE_UNSUPPORTED',
    `image: must have at most ${Math.floor(mostNumbers / 3 / temporalPatchSize)} pixels when it is cut into patches, got ${width}x${height}; lower max_pixels`,
    { details: { width, height } },
  )
}

/** Top left pixels of the patches, in their order. */
function* corners(
  [, rows, columns]: Grid,
  mergeSize: number,
  patchSize: number,
): Generator<[number, number]> {
  for (let row = 0; row < rows; row += mergeSize)
    for (let column = 0; column < columns; column += mergeSize)
      for (let y = row; y < row + mergeSize; y++)
        for (let x = column; x < column + mergeSize; x++) yield [y * patchSize, x * patchSize]
}

/** What each byte becomes, rounded to float32 after every step as NumPy does. */
function normalizedBytes({ rescaleFactor, mean, std }: PatchSettings, channel: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => {
    const centered = Math.fround(Math.fround(byte * rescaleFactor) - Math.fround(mean[channel]))
    return centered / Math.fround(std[channel])
  })
}
