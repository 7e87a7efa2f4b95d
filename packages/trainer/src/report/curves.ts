/** The sections of curves: plans from `sections.ts` filled with the numbers of a run. */
import type { RunFile } from '@evolmm/runs'
import type { RunLog } from './collect-log'
import { downsample } from './downsample'
import { lineChart, type LineChartOptions } from './line-chart'
import { markup, type Content, type Markup } from './markup'
import { describeProbe, probeNames } from './probe-names'
import { alarmTexts, sections, type ChartPlan } from './sections'

/** The number of dots across a small chart. */
export const columns = 240

/** Iterations that a line is a mean over, and a band the extremes of. */
export function smoothingOf(iterations: number): number {
  return Math.max(1, Math.round(iterations / 16))
}

export function curves(run: RunFile, log: RunLog): Content {
  if (log.steps.length === 0) return null
  const domain = [0, log.steps.at(-1) ?? 1] as const
  return [
    probeSection(run, log, domain),
    ...sections.map(({ title, lead, charts }) => {
      const drawn = charts.map((plan) => chart(plan, log, domain)).filter((one) => one !== null)
      return drawn.length === 0 ? null : section(title, lead, drawn)
    }),
  ]
}

function section(title: string, lead: string, charts: readonly Markup[]): Markup {
  return markup`<section><h3>${title}</h3>
<p class="lead">${lead}</p>
<div class="charts">${charts}</div></section>
`
}

function chart(plan: ChartPlan, log: RunLog, domain: readonly [number, number]): Markup | null {
  const window = smoothingOf(log.steps.length)
  const lines = plan.lines
    .map(({ measure, role, label }) => ({
      label,
      role,
      band: plan.band,
      columns: downsample({ steps: log.steps, values: log.values[measure] }, { domain, columns, window }),
    }))
    .filter((line) => line.columns.length > 0)
  if (lines.length === 0) return null
  const raised = plan.alarm === undefined ? undefined : log.alarms.get(plan.alarm)
  const start = plan.alarm === 'constant-answers' ? log.startTopAnswerShare : null
  return figure(plan.note, {
    title: plan.title,
    lines,
    domain,
    span: plan.span,
    mayBeLog: plan.mayBeLog,
    reference: start === null ? undefined : { value: start, label: 'at the start' },
    alarms:
      plan.alarm === undefined || raised === undefined
        ? undefined
        : { steps: raised, label: alarmTexts[plan.alarm].title },
  })
}

function probeSection(run: RunFile, log: RunLog, domain: readonly [number, number]): Markup | null {
  const measured = [...(run.probe === null ? [] : [{ step: 0, values: run.probe }]), ...log.probes]
  const steps = measured.map(({ step }) => step)
  const charts = probeNames(run, log).flatMap((name) => {
    const of = (key: string) => measured.map(({ values }) => values[key] ?? NaN)
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
      lines: [{ label: 'probe', role: 'probe', columns: found }],
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

function finiteOr(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, i) => (Number.isFinite(value) ? value : (others[i] ?? NaN)))
}

function figure(note: string, options: LineChartOptions): Markup {
  return markup`<figure class="curve"><h4>${options.title}</h4>
${lineChart(options)}
<figcaption>${note}</figcaption></figure>
`
}
