/** Patches of an image, of which squares become one token. */
import { EvolmmError } from '../../errors'
import type { ImageLayout } from '../vision'

/** Patches of an image in time, height and width. */
export type Grid = readonly [time: number, height: number, width: number]

/** The layout of an image that is cut into `grid`. */
export function gridLayout(grid: Grid, { patchSize, mergeSize }: GridSizes): ImageLayout {
  const tokens = imageTokenCount(grid, mergeSize)
  const [time, height, width] = grid
  return {
    tokens,
    patches: time * height * width,
    area: height * width * patchSize ** 2,
    fields: { image_grid_thw: grid },
  }
}

interface GridSizes {
  /** Side of a patch in pixels. */
  patchSize: number
  /** Side of the squares in patches. */
  mergeSize: number
}

/** The grid that `gridLayout` was made of. */
export function gridOf({ fields }: Pick<ImageLayout, 'fields'>): Grid {
  const [time, height, width] = fields.image_grid_thw
  return [time, height, width]
}

/** `time * height * width / mergeSize ** 2`: the merger joins squares of `mergeSize` x `mergeSize` patches. */
export function imageTokenCount(grid: Grid, mergeSize: number): number {
  const sides: readonly number[] = Array.isArray(grid) ? grid : []
  const [time = NaN, height = NaN, width = NaN] = sides
  const fits =
    sides.length === 3 &&
    sides.every((side) => Number.isSafeInteger(side) && side > 0) &&
    height % mergeSize === 0 &&
    width % mergeSize === 0
  if (!fits)
    throw new EvolmmError(
      'INVALID_OPTION',
      `grids: must be [time, height, width] of whole patches, height and width multiples of ${mergeSize}, ` +
        `got [${sides.join(', ')}]; pass the grids of the image processor`,
      { details: { grid, mergeSize } },
    )
  return time * (height / mergeSize) * (width / mergeSize)
}
