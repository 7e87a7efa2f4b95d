/** The places of the patches of images are in the order of the processor: squares of merged patches, row by row. */
import type { Grid } from './patch-grid'

export interface PatchPlace {
  /** Number of the frame, all images counted through. */
  frame: number
  row: number
  column: number
}

export function patchPlaces(grids: readonly Grid[], mergeSize: number): PatchPlace[] {
  const places: PatchPlace[] = []
  let frame = 0
  for (const [frames, rows, columns] of grids)
    for (const last = frame + frames; frame < last; frame++)
      for (let top = 0; top < rows; top += mergeSize)
        for (let left = 0; left < columns; left += mergeSize)
          for (let row = top; row < top + mergeSize; row++)
            for (let column = left; column < left + mergeSize; column++) places.push({ frame, row, column })
  return places
}

/** Numbers of the patches with the same key, in groups in the order in which keys come first. */
export function grouped(places: readonly PatchPlace[], key: (place: PatchPlace) => string): number[][] {
  const groups = new Map<string, number[]>()
  for (const [i, place] of places.entries()) {
    const name = key(place)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [i])
    else group.push(i)
  }
  return [...groups.values()]
}

/** All patches of a frame in one group. */
export function byFrame(places: readonly PatchPlace[]): number[][] {
  return grouped(places, ({ frame }) => String(frame))
}

const theta = 10_000

/** Cosines and sines of rotary positions, [patches, headSize / 2] each: half of them follow the row, half the column. */
export function placeAngles(
  places: readonly PatchPlace[],
  headSize: number,
): { cos: Float32Array; sin: Float32Array } {
  const quarter = headSize / 4
  const angles = new Float32Array(places.length * 2 * quarter)
  for (let i = 0; i < quarter; i++) {
    const frequency = Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / (2 * quarter))))
    for (const [patch, { row, column }] of places.entries()) {
      angles[patch * 2 * quarter + i] = row * frequency
      angles[patch * 2 * quarter + quarter + i] = column * frequency
    }
  }
  return { cos: angles.map(Math.cos), sin: angles.map(Math.sin) }
}
