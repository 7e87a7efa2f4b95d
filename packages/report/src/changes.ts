/** What became of a number from the first iterations to the last, and of the evaluation probe. */
import { finiteMean } from '@evolmm/internal'
import type { Change, Direction, Metric } from '@evolmm/runs'
import type { CollectedLog } from './collect-log'

/** Iterations at each end that are compared: they never overlap. */
export function windowOf(iterations: number): number {
  return Math.min(50, Math.max(Math.floor(iterations / 4), Math.min(1, Math.floor(iterations / 2))))
}

/**
 * The values at each end that are compared: those of the first and the last iterations, or where nearly all of these lack one,
 * as of numbers that are measured now and then, as large a part of the values that there are.
 */
export function endsOf(series: readonly number[]): [first: readonly number[], last: readonly number[]] {
  const ends = (values: readonly number[]): [readonly number[], readonly number[]] => {
    const window = windowOf(values.length)
    return window === 0 ? [[], []] : [values.slice(0, window), values.slice(-window)]
  }
  const [first, last] = ends(series)
  const few = (values: readonly number[]) =>
    values.filter(Number.isFinite).length < Math.min(2, values.length)
  return few(first) || few(last) ? ends(series.filter(Number.isFinite)) : [first, last]
}

/** Rows that are compared, by their names, where both ends were measured. */
export function changesOf({ values }: CollectedLog, metrics: readonly Metric<never>[]): Map<string, Change> {
  const changes = new Map<string, Change>()
  for (const { name, compared } of metrics) {
    const series = compared === undefined ? undefined : values.get(name)
    if (series === undefined) continue
    const [before, after] = endsOf(series)
    const [first, last] = [finiteMean(before), finiteMean(after)]
    if (first === null || last === null) continue
    changes.set(name, { first, last, direction: direction(last - first, noise(before, after)) })
  }
  return changes
}

/** The direction of a difference, `none` for one that is not beyond its `margin`. */
export function direction(difference: number, margin: number): Direction {
  // Sums of equal values in another order differ in their last digits.
  if (!(Math.abs(difference) > Math.max(margin, 1e-9))) return 'none'
  return difference > 0 ? 'rise' : 'fall'
}

/** Twice the standard error of the difference of the two means: without a second value nothing is known of it. */
function noise(before: readonly number[], after: readonly number[]): number {
  return 2 * Math.sqrt(squaredError(before) + squaredError(after))
}

function squaredError(values: readonly number[]): number {
  const known = values.filter(Number.isFinite)
  const center = finiteMean(known)
  if (center === null || known.length < 2) return Infinity
  const squares = known.reduce((sum, value) => sum + (value - center) ** 2, 0)
  return squares / (known.length - 1) / known.length
}
