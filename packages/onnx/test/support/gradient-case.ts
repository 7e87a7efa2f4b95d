/**
 * The form in which `test/cases` lists, for each operator, the gradients that are checked. A file holds one family and
 * exports one table, which `test/cases/index.ts` collects.
 */
import type { GradientCheck } from './check-gradient'

export type GradientCase = GradientCheck & {
  /** What sets it apart from the operator's other cases. */
  name?: string
  /** Largest relative error, with `dtype: 'float32'` only. @default 1e-6 */
  tolerance?: number
  /** Why the check is weaker than the others: float32, or only one of static and symbolic shapes. */
  reason?: string
  /** Other shapes that `build` works for, drawn at random and checked with static and with symbolic dimensions. */
  random?: (draw: Draw) => number[][]
}

/** Cases by operator type. `symbolic` of a case picks one of the two ways to run it; without it both are run. */
export type GradientCases = Record<string, GradientCase[]>

/** A source of random shapes. */
export interface Draw {
  /** An integer from `low` to `high`, both included. */
  integer: (low: number, high: number) => number
  /** A shape of `low` to `high` dimensions, each 1 to 3 long. */
  shape: (low: number, high: number) => number[]
  /** `count` shapes that broadcast together: lengths of 1 and missing leading dimensions at random. */
  broadcast: (count: number) => number[][]
}

/** Draws from a source of uniform numbers in (0, 1). */
export function drawFrom(random: () => number): Draw {
  const integer = (low: number, high: number) => low + Math.floor(random() * (high - low + 1))
  const shape = (low: number, high: number) => Array.from({ length: integer(low, high) }, () => integer(1, 3))
  const broadcast = (count: number) => {
    const full = shape(1, 3)
    return Array.from({ length: count }, () =>
      full.slice(integer(0, full.length)).map((dim) => (random() < 0.4 ? 1 : dim)),
    )
  }
  return { integer, shape, broadcast }
}
