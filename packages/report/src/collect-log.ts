/** The log of a run in one walk: numbers to draw, counts, and where to find what the gallery shows. */
import { valueOf, type Metric, type RecordKind, type StepRecord, type Sums, type Sweep } from '@evolmm/runs'

export interface CollectedLog {
  /** One for each iteration. */
  steps: number[]
  /** Values beside `steps` of each number that the page shows, by its name; `NaN` for what was not measured. */
  values: ReadonlyMap<string, number[]>
  probes: { step: number; values: Readonly<Record<string, number>> }[]
  /** Steps at which each alarm was raised, by the first. */
  alarms: Map<string, number[]>
  sums: Sums
  /** Wall time of all iterations, in seconds. */
  seconds: number
  /** Its parts by what the page calls them. */
  parts: Map<string, number>
  /** Places of each picture, by its key. */
  sightings: Map<string, PicturePlace[]>
  /** Places of pictures that are set apart. */
  apart: PicturePlace[]
  sweeps: Sweep[]
}

/** A picture of an iteration. */
export interface PicturePlace {
  step: number
  index: number
}

export async function collectLog<R extends StepRecord>(
  records: AsyncIterable<R> | Iterable<R>,
  { metrics, page = {} }: Pick<RecordKind<R>, 'metrics' | 'page'>,
): Promise<CollectedLog> {
  const shown = metrics.filter(isShown)
  const values = new Map(shown.map(({ name }) => [name, [] as number[]]))
  const sums = new Map<string, number>()
  const log: CollectedLog = {
    ...{ steps: [], values, probes: [], alarms: new Map(), sums: {}, seconds: 0, parts: new Map() },
    ...{ sightings: new Map(), apart: [], sweeps: [] },
  }
  for await (const record of records) {
    const { step, probe } = record
    log.steps.push(step)
    for (const metric of shown) values.get(metric.name)?.push(drawable(valueOf(metric, record)))
    if (probe !== null && probe !== undefined) log.probes.push({ step, values: drawableProbe(probe) })
    for (const alarm of page.alarmsOf?.(record) ?? []) pushTo(log.alarms, alarm, step)
    for (const [name, count] of Object.entries(page.sums?.(record) ?? {})) addTo(sums, name, count)
    const { total, parts } = page.times?.(record) ?? { total: 0, parts: {} }
    log.seconds += total
    for (const [name, seconds] of Object.entries(parts)) addTo(log.parts, name, seconds)
    const sweep = page.sweeps?.of(record) ?? null
    if (sweep !== null) log.sweeps.push(sweep)
    for (const [index, { key, isApart }] of (page.gallery?.pictures(record) ?? []).entries()) {
      pushTo(log.sightings, key, { step, index })
      if (isApart) log.apart.push({ step, index })
    }
  }
  return { ...log, sums: Object.fromEntries(sums) }
}

/** The numbers of the probe that can be drawn. */
export function drawableProbe(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values)
      .map(([name, value]) => [name, drawable(value)] as const)
      .filter(([, value]) => !Number.isNaN(value)),
  )
}

function isShown({ title, compared }: Metric<never>): boolean {
  return title !== undefined || compared !== undefined
}

/** No chart has an axis for what is not finite, nor for 1e300 beside 1. */
function drawable(value: number | null): number {
  if (value === null || !(Math.abs(value) < 1e100)) return NaN
  return Math.abs(value) < 1e-100 ? 0 : value
}

function pushTo<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

function addTo(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value)
}
