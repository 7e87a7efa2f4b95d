/**
 * The size at which models with a `patchTower` see an image: both sides multiples of `factor`, the number of pixels within bounds,
 * the aspect ratio kept as nearly as that allows. Number for number as `smart_resize` of transformers.
 */
import { checkInteger } from '@evolmm/internal'
import { EvolmmError } from '../../errors'

export interface SmartResizeOptions {
  /** Width of the image, in pixels. */
  width: number
  /** Height of the image, in pixels. */
  height: number
  /** Both sides of the result are multiples of it: patch size times merge size. */
  factor: number
  /** Fewest pixels of the result. */
  minPixels: number
  /** Most pixels of the result; exceeded only by an image that would become narrower than `factor`. */
  maxPixels: number
}

const maxAspectRatio = 200

export function smartResize(options: SmartResizeOptions): { width: number; height: number } {
  const width = checkInteger('width', options.width, { min: 1 })
  const height = checkInteger('height', options.height, { min: 1 })
  const factor = checkInteger('factor', options.factor, { min: 1 })
  const minPixels = checkInteger('minPixels', options.minPixels, { min: 1 })
  const maxPixels = checkInteger('maxPixels', options.maxPixels, { min: minPixels })
  const aspectRatio = Math.max(width, height) / Math.min(width, height)
  if (aspectRatio > maxAspectRatio)
    throw new EvolmmError(
      'IMAGE_TOO_NARROW',
      `image: the longer side must be at most ${maxAspectRatio} times the shorter, got ${width}x${height}; crop it`,
      { details: { width, height } },
    )
  const nearest = (side: number) => roundHalfToEven(side / factor) * factor
  const pixels = nearest(width) * nearest(height)
  if (pixels > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels)
    const within = (side: number) => Math.max(factor, Math.floor(side / shrink / factor) * factor)
    return { width: within(width), height: within(height) }
  }
  if (pixels < minPixels) {
    const grow = Math.sqrt(minPixels / (height * width))
    const beyond = (side: number) => Math.ceil((side * grow) / factor) * factor
    return { width: beyond(width), height: beyond(height) }
  }
  return { width: nearest(width), height: nearest(height) }
}

/** The nearest whole number, as Python's `round` has it: halves go to the even one. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value)
  const up = value - below > 0.5 || (value - below === 0.5 && below % 2 === 1)
  return up ? below + 1 : below
}
