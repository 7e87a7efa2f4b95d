/**
 * Positions for multimodal rotary embeddings, equal to `get_rope_index` of transformers 5 for text and images.
 *
 * Text counts on in all three rows. The tokens of an image get its start plus their place in time, height and width;
 * the text after it starts where the longer side ends.
 */
import { EvolmmError } from '../../errors'
import { refuseVideo } from './image-runs'
import { imageTokenCount, type Grid } from './patch-grid'

export interface MropePositionsOptions {
  /** `[T]`, with the image token once per merged patch. */
  ids: ArrayLike<number>
  /** Patches of each image, in order. */
  grids: readonly Grid[]
  imageToken: number
  videoToken: number
  /** Side of the squares of patches that become one token. */
  mergeSize: number
}

export interface MropePositions {
  /** `[3, T]`: rows for time, height and width. */
  positions: Int32Array
  /** Token `i >= T`, generated after these, has position `i + delta` in all three rows. */
  delta: number
}

/** Throws `IMAGE_TOKENS_MISMATCH` unless each run of image tokens is as long as its grid says. */
export function mropePositions(options: MropePositionsOptions): MropePositions {
  const { ids, grids, imageToken, videoToken, mergeSize } = options
  refuseVideo(ids, videoToken)
  const count = ids.length
  const positions = new Int32Array(3 * count)
  let image = 0
  let next = 0
  let largest = -1
  const put = (i: number, time: number, height: number, width: number) => {
    positions[i] = time
    positions[count + i] = height
    positions[2 * count + i] = width
    largest = Math.max(largest, time, height, width)
  }

  for (let i = 0; i < count;) {
    if (ids[i] !== imageToken) {
      put(i, next, next, next)
      next++
      i++
      continue
    }
    const grid = grids.at(image)
    const run = runLength(ids, i)
    if (grid === undefined || imageTokenCount(grid, mergeSize) !== run) throw mismatch(image, grid, run)
    const rows = grid[1] / mergeSize
    const columns = grid[2] / mergeSize
    for (let k = 0; k < run; k++)
      put(
        i + k,
        next + Math.floor(k / (rows * columns)),
        next + (Math.floor(k / columns) % rows),
        next + (k % columns),
      )
    next += Math.max(rows, columns)
    image++
    i += run
  }
  if (image < grids.length) throw mismatch(image, grids.at(image), 0)
  return { positions, delta: largest + 1 - count }
}

function runLength(ids: ArrayLike<number>, start: number): number {
  let end = start
  while (end < ids.length && ids[end] === ids[start]) end++
  return end - start
}

function mismatch(image: number, grid: Grid | undefined, got: number): EvolmmError {
  const rule = grid === undefined ? 'must be absent' : `must be one per merged patch of [${grid.join(', ')}]`
  return new EvolmmError(
    'IMAGE_TOKENS_MISMATCH',
    `tokens of image ${image}: ${rule}, got ${got} in a row; pass the ids and the grids of one prompt, with a token between images`,
    { details: { image, grid, got } },
  )
}
