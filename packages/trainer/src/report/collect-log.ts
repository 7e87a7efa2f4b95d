/** The log of a run in one walk: numbers to draw, counts, and where to find what the gallery shows. */
import type { Alarm } from '@evolmm/rl-core'
import type { IterationRecord, PhaseSeconds } from '../record'
import { measures, type MeasureName } from './measures'

export interface RunLog {
  /** One for each iteration. */
  steps: number[]
  /** One value for each of `steps`; `NaN` for what was not measured. */
  values: Record<MeasureName, number[]>
  probes: { step: number; values: Readonly<Record<string, number>> }[]
  /** Steps at which each was raised, by the first. */
  alarms: Map<Alarm, number[]>
  startTopAnswerShare: number | null
  images: number
  asked: number
  answers: number
  invalid: number
  /** Most answers to one question. */
  samples: number
  seconds: PhaseSeconds
  /** The places where each image comes, by its path from the root of the data. */
  sightings: Map<string, Place[]>
  /** Images whose question was not asked. */
  rejected: Place[]
}

/** An image of an iteration. */
export interface Place {
  step: number
  index: number
}

export async function collectLog(
  records: AsyncIterable<IterationRecord> | Iterable<IterationRecord>,
): Promise<RunLog> {
  const names = Object.keys(measures) as MeasureName[]
  const log: RunLog = {
    steps: [],
    values: Object.fromEntries(names.map((name) => [name, [] as number[]])) as RunLog['values'],
    probes: [],
    alarms: new Map(),
    startTopAnswerShare: null,
    ...{ images: 0, asked: 0, answers: 0, invalid: 0, samples: 0 },
    seconds: { total: 0, encode: 0, propose: 0, solve: 0, learn: 0, probe: 0 },
    sightings: new Map(),
    rejected: [],
  }
  for await (const record of records) {
    log.steps.push(record.step)
    for (const name of names) log.values[name].push(drawable(measures[name](record)))
    if (record.probe !== null) log.probes.push({ step: record.step, values: drawableProbe(record.probe) })
    for (const alarm of record.watch.alarms) pushTo(log.alarms, alarm, record.step)
    log.startTopAnswerShare ??= record.watch.startTopAnswerShare
    for (const phase of Object.keys(log.seconds) as (keyof PhaseSeconds)[])
      log.seconds[phase] += record.seconds[phase]
    for (const [index, image] of record.images.entries()) {
      log.images++
      if (image.answers.length > 0) log.asked++
      log.answers += image.answers.length
      log.invalid += image.answers.filter(({ answer }) => answer === null).length
      log.samples = Math.max(log.samples, image.answers.length)
      pushTo(log.sightings, image.relativePath, { step: record.step, index })
      if (image.rejected !== null) log.rejected.push({ step: record.step, index })
    }
  }
  return log
}

/** The result lacks what cannot be drawn. */
export function drawableProbe(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values)
      .map(([name, value]) => [name, drawable(value)] as const)
      .filter(([, value]) => !Number.isNaN(value)),
  )
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
