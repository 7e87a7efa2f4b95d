/** What a run was made of: key figures, where its time went, versions, and the configuration. */
import type { PageContent, RunFile } from '@evolmm/runs'
import type { CollectedLog } from './collect-log'
import { formatCount, formatDuration, formatNumber, formatShare } from './format'
import { markup, type Markup } from './markup'
import { shorten } from './shorten'

export function keyFigures(run: RunFile, log: CollectedLog, page: PageContent<never>): Markup {
  const { steps, seconds, sums } = log
  const figures: [string, string][] = [
    [steps.length === 1 ? 'iteration' : 'iterations', progress(run, log)],
    ...(page.figures?.(run, sums) ?? []).map(([name, count]): [string, string] => [name, formatCount(count)]),
    ...(seconds > 0
      ? [['time', formatDuration(seconds)] as [string, string], speed(steps.length / seconds)]
      : []),
  ]
  return markup`<dl class="figures">${figures.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}

function speed(rate: number): [string, string] {
  return rate >= 1
    ? ['iterations a second', formatNumber(rate)]
    : ['seconds an iteration', formatNumber(1 / rate)]
}

function progress(run: RunFile, { steps }: CollectedLog): string {
  const total = totalSteps(run)
  const done = formatCount(steps.length)
  return total === null || total === steps.length ? done : `${done} of ${formatCount(total)}`
}

/** `null` if the configuration does not say. */
export function totalSteps({ config }: RunFile): number | null {
  const total = config.total_steps
  return typeof total === 'number' && Number.isFinite(total) ? total : null
}

export function timeTable({ seconds: total, parts }: CollectedLog): Markup | null {
  if (total <= 0 || parts.size === 0) return null
  const known = [...parts]
  const rest = Math.max(0, total - known.reduce((sum, [, seconds]) => sum + seconds, 0))
  const largest = Math.max(rest, ...known.map(([, seconds]) => seconds))
  return markup`<h3>Where the time went</h3>
<table class="time">${[...known, ['everything else', rest] as const].map(
    ([name, seconds]) =>
      markup`<tr><th scope="row">${name}</th><td>${formatDuration(seconds)}</td><td>${formatShare(seconds / total)}</td><td class="strip"><svg viewBox="0 0 240 8" preserveAspectRatio="none" aria-hidden="true"><rect width="${((240 * seconds) / largest).toFixed(1)}" height="8"/></svg></td></tr>`,
  )}</table>`
}

/** Versions under the names of what has them. */
const versionNames = new Map([
  ['evolmm', 'evolmm'],
  ['node', 'Node'],
  ['onnxruntime', 'ONNX Runtime'],
])

export function versionTable(run: RunFile, page: PageContent<never>): Markup {
  const { name, started, versions } = run
  const known = Object.entries(versions).flatMap(([what, version]) =>
    typeof version === 'string' ? [[versionNames.get(what) ?? what, version] as const] : [],
  )
  return markup`<h3>What it was made with</h3>
${pairs([
  ['name', name],
  ['started', started.replace(/^(.{10})T(\d\d:\d\d).*Z$/, '$1 $2 UTC')],
  ...(page.facts?.(run) ?? []),
  ...known,
])}`
}

export function configuration({ config }: RunFile): Markup {
  const entries = Object.entries(config)
  return markup`<details class="config"><summary>Configuration, ${formatCount(entries.length)} settings</summary>
${pairs(entries.map(([name, value]) => [name, typeof value === 'string' ? value : ((JSON.stringify(value) as string | undefined) ?? '–')]))}</details>`
}

function pairs(rows: readonly (readonly [string, string])[]): Markup {
  return markup`<table class="pairs">${rows.map(([name, value]) => markup`<tr><th scope="row" dir="auto">${shorten(name, 100)}</th><td dir="auto">${shorten(value, 1000)}</td></tr>`)}</table>`
}
