/**
 * A long series in as many columns as a screen shows. Each column keeps the extremes of what it holds, and a running
 * mean to draw as the line. `NaN` is a value that was not measured.
 */

export interface Series {
  /** Ascending. */
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
  /** Running mean around the middle of the column. */
  value: number
  low: number
  high: number
}

export interface DownsampleOptions {
  /** Steps at the two ends of the axis. */
  domain: readonly [number, number]
  /** At most this many. */
  columns: number
  /** Steps that the running mean takes in, at least those of the column. @default 1 */
  window?: number
}

/** Columns without a value are left out. */
export function downsample(series: Series, { domain, columns, window = 1 }: DownsampleOptions): Column[] {
  const { steps, values, low = values, high = values } = series
  const [first, last] = domain
  const columnOf = (step: number) =>
    Math.min(Math.floor(((step - first) / (last - first || 1)) * columns), columns - 1)
  const kept: { column: number; at: number[] }[] = []
  const all = steps.flatMap((_, i) => (Number.isFinite(values[i]) ? [i] : []))
  for (const i of all) {
    const column = columnOf(steps[i] ?? first)
    const current = kept.at(-1)
    if (current?.column === column) current.at.push(i)
    else kept.push({ column, at: [i] })
  }

  const mean = runningMean(all.map((i) => [steps[i] ?? 0, values[i] ?? 0]))
  return kept.map(({ at }) => {
    const [from, to] = [steps[at[0] ?? 0] ?? first, steps[at.at(-1) ?? 0] ?? first]
    const middle = (from + to) / 2
    const half = Math.max(window - 1, to - from) / 2
    return {
      from,
      to,
      value: mean(middle - half, middle + half),
      low: at.reduce((least, i) => Math.min(least, low[i] ?? least), Infinity),
      high: at.reduce((most, i) => Math.max(most, high[i] ?? most), -Infinity),
    }
  })
}

/** The mean of the values whose step lies within both ends; called with ends that only grow. */
function runningMean(points: readonly (readonly [number, number])[]) {
  let [from, to] = [0, 0]
  return (start: number, end: number): number => {
    while ((points[to]?.[0] ?? Infinity) <= end) to++
    while ((points[from]?.[0] ?? Infinity) < start) from++
    // Summed anew each time: one value of 1e20 would spoil a sum that is carried along.
    return points.slice(from, to).reduce((sum, [, value]) => sum + value, 0) / (to - from)
  }
}
