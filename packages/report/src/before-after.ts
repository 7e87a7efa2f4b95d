/** The table of what changed: the evaluation probe with its intervals, and means over the run's own first and last part. */
import { counted, finiteMean } from '@evolmm/internal'
import type { Change, Direction, Metric, RunFile } from '@evolmm/runs'
import { direction, endsOf, windowOf } from './changes'
import type { CollectedLog } from './collect-log'
import { formatNumber, formatShare } from './format'
import { markup, type Content, type Markup } from './markup'
import { describeProbe, probeNames } from './probe-names'

interface ProbeEstimate {
  value: number
  low?: number | undefined
  high?: number | undefined
}

interface BeforeAfterRow {
  name: string
  before: ProbeEstimate | null
  after: ProbeEstimate | null
  /** Shown in per cent, and drawn. */
  isShare: boolean
  /** `null` where one of both was not measured. */
  direction: Direction | null
}

export interface Compared {
  run: RunFile
  log: CollectedLog
  metrics: readonly Metric<never>[]
  changes: ReadonlyMap<string, Change>
}

export function beforeAfter({ run, log, metrics, changes }: Compared): Content {
  const probe = probeRows(run, log)
  const window = windowOf(log.steps.length)
  const training = trainingRows({ log, metrics, changes })
  if (probe.length === 0 && training.length === 0) return null
  return [
    probe.length === 0
      ? null
      : table({
          caption: 'Evaluation probe',
          note: `Measured${overQuestions(run, log)} before the first iteration${log.probes.length > 0 ? ` and after iteration ${log.probes.at(-1)?.step ?? 0}` : '; not again yet'}. Where an interval is known it is written below the value and drawn as a pale band.`,
          columns: ['before', 'after'],
          rows: probe,
          tone: 'probe',
        }),
    training.length === 0
      ? null
      : table({
          caption: 'During the run',
          note: `On the run's own questions, which change as it goes: means over the first and the last ${counted(window, 'iteration')}; of what is measured more seldom, over the first and the last of its values.`,
          columns: ['first', 'last'],
          rows: training,
          tone: 'first',
        }),
  ]
}

function overQuestions({ probe }: RunFile, { probes }: CollectedLog): string {
  const { questions } = probes.at(-1)?.values ?? probe ?? {}
  return typeof questions === 'number' ? ` on ${counted(questions, 'question')}` : ''
}

function probeRows(run: RunFile, log: CollectedLog): BeforeAfterRow[] {
  const last = log.probes.at(-1)?.values
  return probeNames(run, log).map((name) => {
    const words = describeProbe(name)
    const [before, after] = [estimate(run.probe, name), estimate(last, name)]
    const known = [before, after].flatMap((one) =>
      one === null ? [] : [one.value, one.low ?? 0, one.high ?? 0],
    )
    const isShare = words.isShare && known.every((value) => value >= 0 && value <= 1)
    return { name: words.title, before, after, isShare, direction: directionOf(before, after) }
  })
}

/** A probe whose intervals meet may be as it was. */
function directionOf(before: ProbeEstimate | null, after: ProbeEstimate | null): Direction | null {
  if (before === null || after === null) return null
  const low = (one: ProbeEstimate) => one.low ?? one.value
  const high = (one: ProbeEstimate) => one.high ?? one.value
  const meet = low(before) <= high(after) && low(after) <= high(before)
  return direction(after.value - before.value, meet ? Infinity : 0)
}

function trainingRows({ log: { values }, metrics, changes }: Omit<Compared, 'run'>): BeforeAfterRow[] {
  return metrics
    .flatMap(({ name, compared, isShare = false }): BeforeAfterRow[] => {
      const series = values.get(name)
      if (compared === undefined || series === undefined) return []
      const [first, last] = endsOf(series)
      const went = changes.get(name)?.direction ?? null
      return [{ name: compared, before: meanOf(first), after: meanOf(last), isShare, direction: went }]
    })
    .filter(({ before, after }) => before !== null || after !== null)
}

function meanOf(values: readonly number[]): ProbeEstimate | null {
  const value = finiteMean(values)
  return value === null ? null : { value }
}

function estimate(
  values: Readonly<Record<string, number>> | null | undefined,
  name: string,
): ProbeEstimate | null {
  const numbers = new Map(Object.entries(values ?? {}))
  const value = numbers.get(name)
  if (value === undefined || !Number.isFinite(value)) return null
  return { value, low: numbers.get(`${name}_low`), high: numbers.get(`${name}_high`) }
}

interface TableOptions {
  caption: string
  note: string
  columns: readonly [string, string]
  rows: readonly BeforeAfterRow[]
  tone: 'probe' | 'first'
}

function table({ caption, note, columns, rows, tone }: TableOptions): Markup {
  const drawn = rows.some(({ isShare }) => isShare)
  return markup`<table class="compare ${tone}">
<caption><h3>${caption}</h3><p class="lead">${note}</p>${outcome(rows)}</caption>
<thead><tr><th scope="col">measure</th><th scope="col">${columns[0]}</th><th scope="col">${columns[1]}</th><th scope="col">change</th><th scope="col" class="strip">${drawn ? axis : null}</th></tr></thead>
<tbody>${rows.map(
    (
      row,
    ) => markup`<tr class="${row.direction ?? 'unknown'}"><th scope="row">${row.name}</th><td>${cell(row.before, row)}</td><td class="after">${cell(row.after, row)}</td><td class="change">${change(row)}</td><td class="strip">${row.isShare ? strip(row, columns) : null}</td></tr>
`,
  )}</tbody></table>`
}

const outcomes = [
  ['rise', 'Went up'],
  ['fall', 'Went down'],
  ['none', 'Changed no more than by chance'],
] as const

/** What went up, what went down and what did neither, each in a sentence of its own. */
function outcome(rows: readonly BeforeAfterRow[]): Content {
  const sentences = outcomes.flatMap(([kind, said]) => {
    const names = rows.filter(({ direction: went }) => went === kind).map(({ name }) => name)
    return names.length === 0
      ? []
      : [markup`<p class="outcome ${kind}"><strong>${said}:</strong> ${names.join('; ')}.</p>`]
  })
  return sentences.length === 0 ? null : sentences
}

function cell(estimate: ProbeEstimate | null, { isShare }: BeforeAfterRow): Content {
  if (estimate === null) return markup`<span class="none">–</span>`
  const show = isShare ? formatShare : formatNumber
  const { value, low, high } = estimate
  return [
    show(value),
    low === undefined || high === undefined
      ? null
      : markup`<small>${isShare ? (100 * low).toFixed(1) : formatNumber(low)} to ${isShare ? (100 * high).toFixed(1) : formatNumber(high)}</small>`,
  ]
}

function change({ before, after, isShare }: BeforeAfterRow): Content {
  if (before === null || after === null) return markup`<span class="none">–</span>`
  const difference = after.value - before.value
  const sign = difference > 0 ? '+' : ''
  return isShare
    ? markup`${sign}${(100 * difference).toFixed(1).replace('-', '\u2212')}<small>points</small>`
    : `${sign}${formatNumber(difference)}`
}

const x = (value: number) => (16 + 208 * value).toFixed(1)

const axis = markup`<svg viewBox="0 0 240 14" role="img" aria-label="from 0 to 100 per cent">${[0, 0.5, 1].map((at) => markup`<text x="${x(at)}" y="11" text-anchor="middle">${100 * at}</text>`)}</svg>`

/** Both values on one axis from 0 to 1: before hollow, after filled, intervals as pale bands. */
function strip({ before, after }: BeforeAfterRow, [first, last]: readonly [string, string]): Markup {
  const mark = (kind: 'before' | 'after', label: string, estimate: ProbeEstimate | null, y: number) =>
    estimate === null
      ? null
      : markup`<g class="${kind}"><title>${label} ${formatShare(estimate.value)}</title>${
          estimate.low === undefined || estimate.high === undefined
            ? null
            : markup`<path class="interval" d="M${x(estimate.low)} ${y - 7}H${x(estimate.high)}v14H${x(estimate.low)}z"/>`
        }<circle cx="${x(estimate.value)}" cy="${y}" r="3.4"/></g>`
  return markup`<svg viewBox="0 0 240 34" aria-hidden="true">${[0, 0.25, 0.5, 0.75, 1].map((at) => markup`<path class="grid" d="M${x(at)} 0V34"/>`)}${mark('before', first, before, 10)}${mark('after', last, after, 24)}</svg>`
}
