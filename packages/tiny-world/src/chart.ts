/**
 * A chart of three or four bars, or of two, and everything that is true about it. The facts are a function of the seed alone, and
 * cost nothing: `drawChart` makes the image.
 */
import { checkInteger } from '@evolmm/internal'
import { draws, type Draws } from './draws'

export const colors = ['red', 'blue', 'green', 'yellow', 'purple', 'black'] as const
export type Color = (typeof colors)[number]

export interface Bar {
  /** The bar's column, of the four of the image, from the left. */
  column: number
  color: Color
  /** Height in steps of the grid, 1 to 9. */
  value: number
  /** Left edge and width in pixels. */
  x: number
  width: number
}

export interface Chart {
  seed: number
  /** The bars from left to right. The tallest and the lowest have no equal. */
  bars: readonly Bar[]
}

/** Pixels of a column, which is the width of one image token. */
const columnWidth = 28

/** `seed` is an integer from 0; see `splits` for which are meant for what. */
export function chart(seed: number): Chart {
  checkInteger('seed', seed, { min: 0 })
  const random = draws(seed, 'bars')
  const count = random.integer(3, 4)
  const first = count === 4 ? 0 : random.integer(0, 1)
  return { seed, bars: bars(random, (i) => first + i, count) }
}

/** A chart such as no model has learned from: two bars, in any two of the four columns. */
export function twoBarChart(seed: number): Chart {
  checkInteger('seed', seed, { min: 0 })
  const random = draws(seed, 'twoBars')
  const columns = random.shuffled([0, 1, 2, 3]).slice(0, 2).sort()
  return { seed, bars: bars(random, (i) => columns[i], columns.length) }
}

function bars({ integer, shuffled }: Draws, columnOf: (i: number) => number, count: number): Bar[] {
  const names = shuffled(colors)
  let values: number[]
  do values = Array.from({ length: count }, () => integer(1, 9))
  while (!hasOneExtreme(values))
  return values.map((value, i) => {
    const width = integer(12, 20)
    const column = columnOf(i)
    return { column, color: names[i], value, x: columnWidth * column + 4 + integer(0, 20 - width), width }
  })
}

function hasOneExtreme(values: readonly number[]): boolean {
  const occurrences = (value: number) => values.filter((other) => other === value).length
  return occurrences(Math.max(...values)) === 1 && occurrences(Math.min(...values)) === 1
}
