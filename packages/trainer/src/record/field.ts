/** A field of a record: what it is taken from, what the log calls it, and how its numbers are shown. */
import { knownMean } from '@evolmm/internal'
import type { Metric, StepRecord } from '@evolmm/runs'

/** A number, which is measured, or something else, which is taken. `null` stands for what was not measured. */
type RecordField<What> = Measured<What> | Taken<What>

interface Measured<What> extends InLog {
  measure: (what: What) => number | null
  /** Numbers of an iteration that are made of this one, over all that have it. */
  shown?: readonly Shown[]
}

interface Taken<What> extends InLog {
  take: (what: What) => string | null | readonly string[]
}

interface InLog {
  /** The key in lines of the log. A log that is older than the field lacks it, and reads: it is `null` there. */
  key: string
}

interface Shown extends Omit<Metric<never>, 'read'> {
  over: 'mean' | 'least' | 'most'
}

export type Fields<What> = Readonly<Record<string, RecordField<What>>>

/** The part of a record that a table of fields makes. */
export type FieldValues<F> = {
  [N in keyof F]: F[N] extends { measure: (what: never) => infer V } | { take: (what: never) => infer V }
    ? V
    : never
}

export function valuesOf<What, F extends Fields<What>>(fields: F, what: What): FieldValues<F> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      'measure' in field ? field.measure(what) : field.take(what),
    ]),
  ) as FieldValues<F>
}

const aggregates: Readonly<Record<Shown['over'], (values: readonly number[]) => number | null>> = {
  mean: knownMean,
  least: (values) => (values.length === 0 ? null : Math.min(...values)),
  most: (values) => (values.length === 0 ? null : Math.max(...values)),
}

/** The rows of the table of numbers that come from fields; `itemsOf` gives what has them. */
export function fieldMetrics<R extends StepRecord>(
  fields: Fields<never>,
  itemsOf: (record: R) => readonly object[],
): Metric<R>[] {
  return Object.entries(fields).flatMap(([name, field]) =>
    ('measure' in field ? (field.shown ?? []) : []).map(({ over, ...row }) => ({
      ...row,
      read: (record: R) => aggregates[over](numbersOf(itemsOf(record), name)),
    })),
  )
}

function numbersOf(items: readonly object[], name: string): number[] {
  return items
    .map((item) => (item as Readonly<Record<string, unknown>>)[name])
    .filter((value) => typeof value === 'number')
}
