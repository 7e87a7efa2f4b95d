/**
 * A long series in as many columns as a screen shows, each with what the window around it holds. `NaN` is a value that was not measured.
 */
import { mean } from '@evolmm/internal'

export interface Series {
  /** The steps of the points, ascending. */
  steps: readonly number[]
  values: readonly number[]
  /** Ends of the interval of each value. @default the values themselves */
  low?: readonly number[]
  high?: readonly number[]
}

export interface Column {
  /** First and last step with a value. */
  from: number
  to: number
  /** Mean over the window around the middle of the column. */
  value: number
  /** Extremes over the same window. */
  low: number
  high: number
  /** All but the lowest and the highest tenth of the window lie between these. */
  lower: number
  upper: number
}

export interface DownsampleOptions {
  /** Steps at the two ends of the axis. */
  domain: readonly [number, number]
  /** The largest number of columns. */
  columns: number
  /** Steps that mean and extremes take in, at least those of the column. @default 1 */
  window?: number
}

interface Point {
  step: number
  value: number
  low: number
  high: number
}

/** Columns without a value are left out. Every value is within the extremes of its column. */
export function downsample(series: Series, { domain, columns, window = 1 }: DownsampleOptions): Column[] {
  const [first, last] = domain
  const columnOf = ({ step }: Point) =>
    Math.min(Math.floor(((step - first) / (last - first || 1)) * columns), columns - 1)
  const points = pointsOf(series)
  const found: Column[] = []
  let start = 0
  for (let i = 0, end = 0; i < points.length; i = end) {
    while (end < points.length && columnOf(points[end]) === columnOf(points[i])) end++
    const [from, to] = [points[i].step, points[end - 1].step]
    const half = Math.max(window - 1, to - from) / 2
    const middle = (from + to) / 2
    while (points[start].step < middle - half) start++
    let stop = end
    while (stop < points.length && points[stop].step <= middle + half) stop++
    found.push({ from, to, ...summary(points.slice(start, stop)) })
  }
  return found
}

/** Those that were measured. */
function pointsOf({ steps, values, low = values, high = values }: Series): Point[] {
  return steps.flatMap((step, i) => {
    const value = values[i]
    return Number.isFinite(value) ? [{ step, value, low: low[i], high: high[i] }] : []
  })
}

function summary(points: readonly Point[]) {
  const low = Float64Array.from(points, (point) => point.low).sort()
  const high = Float64Array.from(points, (point) => point.high).sort()
  const tenth = Math.floor(points.length / 10)
  return {
    value: mean(points.map(({ value }) => value)),
    low: low[0],
    high: high[high.length - 1],
    lower: low[tenth],
    upper: high[high.length - 1 - tenth],
  }
}
