/**
 * A number of a method: one row of its table, and the only place that a new number needs. The log, TensorBoard, Weights
 * & Biases, the status line and the report all follow from it.
 */
export interface Metric<R> {
  /** Words that are separated by "/" and "_", unique in the table as the aliases are. */
  name: string
  /** Further names of the same number, such as those of released code and of TRL. */
  aliases?: readonly string[]
  /** What is measured, with its unit, for people. */
  meaning: string
  /** `null` or `undefined` where the number was not measured. */
  read(record: R): number | null | undefined
  /** The log keeps the number itself, since a record that comes from there no longer has what it is read off. */
  stored?: boolean
  /** What the status line calls the number; without a label it is not shown there. */
  status?: string
  /** The chart of the report that draws the number: rows with one title share a chart. Without a title none does. */
  title?: string
  /** The section of the report that has the chart. */
  panel?: string
  /** The looks of the chart; the first row of a title decides. */
  chart?: ChartOptions
  /** What the line is called beside others in its chart. @default the name */
  label?: string
  /** The colour of the line. @default that of its place in the chart */
  tone?: Tone
  /** The first value is drawn as a level to compare with instead of a line. */
  isReference?: boolean
  /** What the report calls the number in its table of the first and the last iterations; without a name it is not there. */
  compared?: string
  /** The number goes from 0 to 1, so that it reads well in per cent. */
  isShare?: boolean
}

export interface ChartOptions {
  /** What the numbers mean and what to look for. */
  note?: string
  /** Values that the axis shows at least. */
  span?: readonly [number, number]
  /** The axis has powers of ten where the values need it. @default false */
  mayBeLog?: boolean
  /** Bands show how far values are spread; where something happens or not, only the rate says something. @default true */
  band?: boolean
  /** The alarm that is marked in the chart. */
  alarm?: string
}

/** One colour each: two that tell roles apart, and that of the evaluation probe. */
export type Tone = 'first' | 'second' | 'probe'
