/** The sections of curves: charts of the metric table filled with the numbers of a run. */
import type { Metric, PageContent, RunFile, Tone } from '@evolmm/runs'
import { planCharts, type ChartPlan } from './charts'
import type { CollectedLog } from './collect-log'
import { downsample } from './downsample'
import { lineChart, type LineChartOptions } from './line-chart'
import { markup, type Content, type Markup } from './markup'
import { describeProbe, probeNames } from './probe-names'
import { sweepCharts } from './sweeps'

/** The number of dots across a small chart. */
export const columns = 240

/** Iterations that a line is a mean over, and a band the extremes of. */
export function smoothingOf(iterations: number): number {
  return Math.max(1, Math.round(iterations / 16))
}

export interface CurvesOptions {
  run: RunFile
  log: CollectedLog
  metrics: readonly Metric<never>[]
  page: PageContent<never>
}

export function curves({ run, log, metrics, page }: CurvesOptions): Content {
  if (log.steps.length === 0) return null
  const domain = [0, log.steps.at(-1) ?? 1] as const
  return [
    probeSection(run, log, domain),
    ...planCharts(metrics, page).map(({ title, lead, charts }) => {
      const drawn = charts.map((plan) => chart(plan, log, { domain, page })).filter((one) => one !== null)
      return drawn.length === 0 ? null : section(title, lead, drawn)
    }),
    sweepSection(log, page),
  ]
}

function sweepSection({ sweeps }: CollectedLog, { sweeps: plan }: PageContent<never>): Markup | null {
  const drawn = plan === undefined ? [] : sweepCharts(sweeps, plan)
  return plan === undefined || drawn.length === 0 ? null : section(plan.title, plan.lead, drawn)
}

function section(title: string, lead: string, charts: readonly Markup[]): Markup {
  return markup`<section><h3>${title}</h3>
${lead === '' ? null : markup`<p class="lead">${lead}</p>`}
<div class="charts">${charts}</div></section>
`
}

const tones: readonly Tone[] = ['first', 'second', 'probe']

function chart(
  { title, chart: options, lines: rows, references }: ChartPlan,
  log: CollectedLog,
  { domain, page }: { domain: readonly [number, number]; page: PageContent<never> },
): Markup | null {
  const { note = '', span, mayBeLog, band, alarm } = options
  const window = smoothingOf(log.steps.length)
  const lines = rows
    .map(({ name, label = name, tone }, i) => ({
      label,
      tone: tone ?? tones[i % tones.length],
      band,
      columns: downsample(
        { steps: log.steps, values: log.values.get(name) ?? [] },
        { domain, columns, window },
      ),
    }))
    .filter((line) => line.columns.length > 0)
  if (lines.length === 0) return null
  const raised = alarm === undefined ? undefined : log.alarms.get(alarm)
  return figure(note, {
    ...{ title, lines, domain, span, mayBeLog },
    references: references.flatMap(({ name, label = name }) => {
      const value = log.values.get(name)?.find(Number.isFinite)
      return value === undefined ? [] : [{ value, label }]
    }),
    alarms: raised && { steps: raised, label: alarmTitle(page, String(alarm)) },
  })
}

function probeSection(run: RunFile, log: CollectedLog, domain: readonly [number, number]): Markup | null {
  const measured = [...(run.probe === null ? [] : [{ step: 0, values: run.probe }]), ...log.probes]
  const steps = measured.map(({ step }) => step)
  const charts = probeNames(run, log).flatMap((name) => {
    const of = (key: string) => measured.map(({ values }) => (Object.hasOwn(values, key) ? values[key] : NaN))
    const series = {
      steps,
      values: of(name),
      low: finiteOr(of(`${name}_low`), of(name)),
      high: finiteOr(of(`${name}_high`), of(name)),
    }
    const found = downsample(series, { domain, columns })
    if (found.length === 0) return []
    const within = found.every(({ low, high }) => low >= 0 && high <= 1)
    const options: LineChartOptions = {
      title: describeProbe(name).title,
      lines: [{ label: 'probe', tone: 'probe', columns: found }],
      domain,
      span: within ? [0, 1] : undefined,
      dots: found.length <= 40,
    }
    return [figure(describeProbe(name).note, options)]
  })
  if (charts.length === 0) return null
  return section(
    'What the evaluation probe measured',
    'Nothing is learned from the probe. If any curve here can say whether the model got better, it is one of these. The pale band is the interval, where one is known.',
    charts,
  )
}

export function alarmTitle({ alarms }: Pick<PageContent<never>, 'alarms'>, alarm: string): string {
  return alarms?.get(alarm)?.title ?? alarm
}

function finiteOr(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, i) => (Number.isFinite(value) ? value : (others[i] ?? NaN)))
}

function figure(note: string, options: LineChartOptions): Markup {
  return markup`<figure class="curve"><h4>${options.title}</h4>
${lineChart(options)}
${note === '' ? null : markup`<figcaption>${note}</figcaption>`}</figure>
`
}
