/** Decoded images: arrays for callers, flat bytes for what works on them. */
import { rowMajor } from '@evolmm/internal'
import type { NdArray } from 'ndarray'

/** The pixels of an image, [H, W, 3]: rows from the top, 8 bits of red, green and blue, no alpha. */
export type Pixels = NdArray<Uint8Array>

/** The same in memory as all of the package reads it. */
export interface RgbImage {
  width: number
  height: number
  /** The values in row-major order, [height, width, 3]. */
  data: Uint8Array
  /**
   * The opacity of each pixel, [height, width], where it was asked for and Pillow opens the image in a mode that is not
   * plain colours.
   */
  alpha?: Uint8Array | undefined
}

/** The bytes are those of `pixels`, unless its rows do not lie one after the other. */
export function rgbImage(pixels: Pixels): RgbImage {
  const [height, width] = pixels.shape
  return { width, height, data: rowMajor(pixels) }
}
