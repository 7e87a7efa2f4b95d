/** What the vision tower must know of the places of patches, computed from grids alone. */
import type { Grid } from '../parts/image-token-count'
import type { QwenConfig } from './config'

/** Batches of rows that attend to each other; see `Neighbours` in `vision`. */
export interface NeighbourTable {
  batches: number
  length: number
  /** [batches, length] */
  rows: BigInt64Array
  /** [batches, 1, 1, length] */
  mask: Float32Array
  /** [patches] */
  places: BigInt64Array
}

export interface VisionTables {
  patches: number
  /** [patches, headSize / 2] each. */
  cos: Float32Array
  sin: Float32Array
  windows: NeighbourTable
  images: NeighbourTable
}

const theta = 10_000
const hidden = -1e30

/** Tables for the patches of `grids`, one image after the other, each in the processor's order (blocks of merged patches). */
export function visionTables(grids: readonly Grid[], config: QwenConfig): VisionTables {
  const { spatialMergeSize: merge, windowSize, patchSize, hiddenSize, heads } = config.vision
  const side = Math.floor(windowSize / merge / patchSize)
  const windows: number[][] = []
  const images: number[][] = []
  const places: [row: number, column: number][] = []
  for (const [frames, rows, columns] of grids) {
    for (let frame = 0; frame < frames; frame++) {
      const image: number[] = []
      const perLine = Math.ceil(columns / merge / side)
      const own = Array.from({ length: Math.ceil(rows / merge / side) * perLine }, (): number[] => [])
      for (let row = 0; row < rows; row += merge)
        for (let column = 0; column < columns; column += merge) {
          const window = Math.floor(row / merge / side) * perLine + Math.floor(column / merge / side)
          for (let y = row; y < row + merge; y++)
            for (let x = column; x < column + merge; x++) {
              image.push(places.length)
              own[window].push(places.length)
              places.push([y, x])
            }
        }
      images.push(image)
      windows.push(...own)
    }
  }
  const patches = places.length
  // The first half of the angles follows the row, the second the column.
  const quarter = hiddenSize / heads / 4
  const angles = new Float32Array(patches * 2 * quarter)
  for (let i = 0; i < quarter; i++) {
    const frequency = Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / (2 * quarter))))
    for (const [patch, [row, column]] of places.entries()) {
      angles[patch * 2 * quarter + i] = row * frequency
      angles[patch * 2 * quarter + quarter + i] = column * frequency
    }
  }
  return {
    patches,
    cos: angles.map(Math.cos),
    sin: angles.map(Math.sin),
    windows: table(windows, patches),
    images: table(images, patches),
  }
}

function table(groups: readonly number[][], patches: number): NeighbourTable {
  const length = Math.max(...groups.map((group) => group.length))
  const rows = new BigInt64Array(groups.length * length)
  const mask = new Float32Array(groups.length * length)
  const places = new BigInt64Array(patches)
  for (const [batch, group] of groups.entries()) {
    const start = batch * length
    mask.fill(hidden, start + group.length, start + length)
    for (const [i, row] of group.entries()) {
      rows[start + i] = BigInt(row)
      places[row] = BigInt(start + i)
    }
  }
  return { batches: groups.length, length, rows, mask, places }
}
