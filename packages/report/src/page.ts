/** The whole page as text: nothing in it is loaded from anywhere, and no other script than its own may run. */
import { counted } from '@evolmm/internal'
import { createHash } from 'node:crypto'
import type { Gallery, Metric, PageContent, RunFile } from '@evolmm/runs'
import { beforeAfter } from './before-after'
import { changesOf } from './changes'
import type { CollectedLog } from './collect-log'
import { alarmTitle, columns, curves, smoothingOf } from './curves'
import { configuration, keyFigures, timeTable, totalSteps, versionTable } from './facts'
import { formatCount } from './format'
import { gallery, type Moments } from './gallery'
import { Markup, markup, type Content } from './markup'
import { script } from './script'
import { style } from './style'

export interface ReportData {
  run: RunFile
  log: CollectedLog
  metrics: readonly Metric<never>[]
  page: PageContent<never>
  moments: Moments
  /** Data URIs by the path of the image. */
  thumbnails: ReadonlyMap<string, string>
  /** The name of the log's file. */
  logName: string
}

interface PagePart {
  id: string
  title: string
  content: Content
}

/** The same data gives the same text. */
export function renderReport(data: ReportData): string {
  const { run, log, page, logName } = data
  const hash = createHash('sha256').update(script).digest('base64')
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`
  const parts = partsOf(data)
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${run.name} – evolmm report</title>
<style>${new Markup(style)}</style>
</head>
<body>
<main>
<header>
<p class="over">evolmm, report of a run</p>
<h1 dir="auto">${run.name}</h1>
<p class="intro">${introduction(data)}</p>
<nav>${parts.map(({ id, title }) => markup`<a href="#${id}">${title}</a>`)}</nav>
${log.steps.length > 0 ? keyFigures(run, log, page) : null}
${alarmList(log, page)}
</header>
${parts.map(({ id, title, content }) => markup`<h2 id="${id}">${title}</h2>${content}`)}
<footer><p>Made from run.json and ${logName} in the folder of the run. The page holds all it needs and loads nothing.</p></footer>
</main>
<script>${new Markup(script)}</script>
</body>
</html>
`.text
}

function partsOf(data: ReportData): PagePart[] {
  const { run, log, metrics, page } = data
  const changed = beforeAfter({ run, log, metrics, changes: changesOf(log, metrics) })
  const parts: (PagePart | null)[] = [
    changed === null ? null : { id: 'changed', title: 'What changed', content: changed },
    ...(log.steps.length === 0
      ? []
      : [
          {
            id: 'curves',
            title: 'Curves',
            content: [markup`<p class="lead">${reading(log)}</p>`, curves(data)],
          },
          page.gallery === undefined || log.sightings.size === 0 ? null : galleryPart(page.gallery, data),
        ]),
    {
      id: 'run',
      title: 'The run',
      content: [
        markup`<div class="run"><div>${versionTable(run, page)}</div><div>${timeTable(log)}</div></div>`,
        configuration(run),
      ],
    },
  ]
  return parts.filter((part) => part !== null)
}

function galleryPart(plan: Gallery<never>, { log, moments, thumbnails }: ReportData): PagePart {
  return {
    id: 'gallery',
    title: plan.title,
    content: [markup`<p class="lead">${plan.lead(log.sums)}</p>`, gallery(moments, plan, thumbnails)],
  }
}

function introduction({ run, log, metrics, page }: ReportData): Content {
  const { steps, sums } = log
  if (steps.length === 0)
    return 'No iteration has been recorded yet. Once the run has begun, make the report again to see how it goes.'
  const total = totalSteps(run)
  const state =
    total !== null && steps.length < total
      ? ` This is its state after iteration ${formatCount(steps[steps.length - 1])} of ${formatCount(total)}.`
      : ''
  return `${page.introduction?.(sums, changesOf(log, metrics)) ?? `A run of ${counted(steps.length, 'iteration')}.`}${state}`
}

function reading({ steps }: CollectedLog): string {
  const window = smoothingOf(steps.length)
  const lines =
    window > 1
      ? `Each line is a running mean over ${formatCount(window)} iterations. Around it, the darker band holds the middle four fifths of their values, and the paler one all of them`
      : 'Each line joins the iterations'
  const cut =
    steps.length > columns
      ? `; ${formatCount(steps.length)} iterations are drawn in ${columns} columns, and no peak is lost`
      : ''
  return `${lines}${cut}. The number at the end of a line is its last value. Point at a chart to read all of them at one iteration.`
}

function alarmList({ alarms }: CollectedLog, page: PageContent<never>): Content {
  if (alarms.size === 0) return null
  return markup`<ul class="alarms">${[...alarms].map(([alarm, raised]) => {
    const when =
      raised.length === 1
        ? `at iteration ${formatCount(raised[0])}`
        : `at ${formatCount(raised.length)} iterations, first ${formatCount(raised[0])}, last ${formatCount(raised[raised.length - 1])}`
    return markup`<li><strong>${alarmTitle(page, alarm)}</strong>, ${when}.<p class="lead">${page.alarms?.get(alarm)?.note ?? null}</p></li>`
  })}</ul>`
}
