/** How many tokens an image takes in a prompt. */
import { EvolmmError } from '@evolmm/internal'

/** Patches of an image in time, height and width. */
export type Grid = readonly [time: number, height: number, width: number]

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
