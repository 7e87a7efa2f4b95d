/** A record with all that trackers need of it, so that they know nothing of the method. */
import { metricsOf, valueOf } from './metrics-of'
import type { StepRecord } from './record'
import type { Picture, RecordKind } from './record-kind'

export interface Entry<R extends StepRecord = StepRecord> {
  step: number
  record: R
  /** Numbers that were measured, by each of their names. */
  metrics: Readonly<Record<string, number>>
  /** Those for the status line, in its order. */
  status: readonly { label: string; value: number }[]
  notices: readonly string[]
  texts: Readonly<Record<string, string>>
  picture: Picture | undefined
}

export function entryOf<R extends StepRecord>(kind: RecordKind<R>, record: R): Entry<R> {
  return {
    step: record.step,
    record,
    metrics: metricsOf(kind.metrics, record),
    status: kind.metrics.flatMap((metric) => {
      const value = metric.status === undefined ? null : valueOf(metric, record)
      return value === null ? [] : [{ label: String(metric.status), value }]
    }),
    notices: kind.notices?.(record) ?? [],
    texts: kind.texts?.(record) ?? {},
    picture: kind.picture?.(record),
  }
}
