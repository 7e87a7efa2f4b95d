/** What a run was made of: key figures, where its time went, versions, and the configuration. */
import type { PhaseSeconds } from '../record'
import type { RunFile } from '@evolmm/runs'
import type { RunLog } from './collect-log'
import { formatCount, formatDuration, formatNumber, formatShare } from './format'
import { markup, type Markup } from './markup'
import { shorten } from './shorten'

interface Images {
  root: string
  count: number
}

export function keyFigures(run: RunFile, log: RunLog): Markup {
  const { steps, seconds } = log
  const images = run.images as Images
  const figures: [string, string][] = [
    [steps.length === 1 ? 'iteration' : 'iterations', progress(run, log)],
    [images.count === 1 ? 'picture' : 'pictures', formatCount(images.count)],
    [log.asked === 1 ? 'question asked' : 'questions asked', formatCount(log.asked)],
    [log.answers === 1 ? 'answer' : 'answers', formatCount(log.answers)],
    ['time', formatDuration(seconds.total)],
    ...(seconds.total > 0 ? [speed(steps.length / seconds.total)] : []),
  ]
  return markup`<dl class="figures">${figures.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}

function speed(rate: number): [string, string] {
  return rate >= 1
    ? ['iterations a second', formatNumber(rate)]
    : ['seconds an iteration', formatNumber(1 / rate)]
}

function progress(run: RunFile, { steps }: RunLog): string {
  const total = totalSteps(run)
  const done = formatCount(steps.length)
  return total === null || total === steps.length ? done : `${done} of ${formatCount(total)}`
}

/** `null` if the configuration does not say. */
export function totalSteps({ config }: RunFile): number | null {
  const total = config.total_steps
  return typeof total === 'number' && Number.isFinite(total) ? total : null
}

const phases: readonly (readonly [Exclude<keyof PhaseSeconds, 'total'>, string])[] = [
  ['encode', 'seeing the pictures'],
  ['propose', 'asking'],
  ['solve', 'answering'],
  ['learn', 'learning'],
  ['probe', 'evaluating'],
]

export function timeTable({ seconds }: RunLog): Markup | null {
  if (seconds.total <= 0) return null
  const known = phases.map(([phase, name]) => [name, seconds[phase]] as const)
  const rest = Math.max(0, seconds.total - known.reduce((sum, [, value]) => sum + value, 0))
  const largest = Math.max(rest, ...known.map(([, value]) => value))
  return markup`<h3>Where the time went</h3>
<table class="time">${[...known, ['everything else', rest] as const].map(
    ([name, value]) =>
      markup`<tr><th scope="row">${name}</th><td>${formatDuration(value)}</td><td>${formatShare(value / seconds.total)}</td><td class="strip"><svg viewBox="0 0 240 8" preserveAspectRatio="none" aria-hidden="true"><rect width="${((240 * value) / largest).toFixed(1)}" height="8"/></svg></td></tr>`,
  )}</table>`
}

export function versionTable({ name, started, versions, ...run }: RunFile): Markup {
  const images = run.images as Images
  return markup`<h3>What it was made with</h3>
${pairs([
  ['name', name],
  ['started', started.replace(/^(.{10})T(\d\d:\d\d).*Z$/, '$1 $2 UTC')],
  ['pictures', `${formatCount(images.count)} in ${images.root}`],
  ...(versions.evolmm === null ? [] : [['evolmm', versions.evolmm] as const]),
  ['Node', String(versions.node)],
  ['ONNX Runtime', String(versions.onnxruntime)],
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
