/** The numbers of a record by all their names. */
import type { StepRecord } from './record'
import type { Metric } from './metric'

/**
 * Numbers that were measured, under the names of their rows and aliases, and `eval/<name>` for each number of the probe.
 */
export function metricsOf<R extends StepRecord>(
  metrics: readonly Metric<R>[],
  record: R,
): Record<string, number> {
  const entries: [string, number][] = []
  for (const metric of metrics) {
    const value = valueOf(metric, record)
    if (value !== null) for (const name of namesOf(metric)) entries.push([name, value])
  }
  for (const [name, value] of Object.entries(record.probe ?? {})) entries.push([`eval/${name}`, value])
  return Object.fromEntries(entries)
}

/** `null` where the number was not measured. */
export function valueOf<R extends StepRecord>(metric: Metric<R>, record: R): number | null {
  const kept = metric.stored === true ? record.metrics?.[metric.name] : undefined
  return kept ?? metric.read(record) ?? null
}

/** Numbers that no other part of a line has; `undefined` where there are none. */
export function storedMetrics<R extends StepRecord>(
  metrics: readonly Metric<R>[],
  record: R,
): Record<string, number> | undefined {
  const entries = metrics
    .filter(({ stored }) => stored === true)
    .map((metric) => [metric.name, valueOf(metric, record)] as const)
    .filter((entry): entry is [string, number] => entry[1] !== null)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

function namesOf({ name, aliases = [] }: Metric<never>): readonly string[] {
  return [name, ...aliases]
}
