/** The whole page as text: nothing in it is loaded from anywhere, and no other script than its own may run. */
import { createHash } from 'node:crypto'
import type { RunFile } from '@evolmm/runs'
import { beforeAfter } from './before-after'
import type { RunLog } from './collect-log'
import { columns, curves, smoothingOf } from './curves'
import { configuration, keyFigures, timeTable, totalSteps, versionTable } from './facts'
import { formatCount, plural } from './format'
import { gallery, type Moments } from './gallery'
import { Markup, markup, type Content } from './markup'
import { script } from './script'
import { alarmTexts } from './sections'
import { style } from './style'

export interface ReportData {
  run: RunFile
  log: RunLog
  moments: Moments
  /** Data URIs by the path of the image. */
  thumbnails: ReadonlyMap<string, string>
}

/** The same data gives the same text. */
export function renderReport({ run, log, moments, thumbnails }: ReportData): string {
  const hash = createHash('sha256').update(script).digest('base64')
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`
  const changed = beforeAfter(run, log)
  const hasLog = log.steps.length > 0
  const links: [string, string][] = [
    ...(changed === null ? [] : ([['changed', 'What changed']] as [string, string][])),
    ...(hasLog
      ? ([
          ['curves', 'Curves'],
          ['gallery', 'Pictures and votes'],
        ] as [string, string][])
      : []),
    ['run', 'The run'],
  ]
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
<p class="intro">${introduction(run, log)}</p>
<nav>${links.map(([id, text]) => markup`<a href="#${id}">${text}</a>`)}</nav>
${hasLog ? keyFigures(run, log) : null}
${alarmList(log)}
</header>
${changed === null ? null : markup`<h2 id="changed">What changed</h2>${changed}`}
${
  hasLog
    ? markup`<h2 id="curves">Curves</h2>
<p class="lead">${reading(log)}</p>
${curves(run, log)}
<h2 id="gallery">Pictures and votes</h2>
<p class="lead">One question to each picture, answered ${log.samples > 0 ? `${formatCount(log.samples)} times` : 'several times'}. Each cell of a bar is an answer.</p>
${gallery(moments, thumbnails)}`
    : null
}
<h2 id="run">The run</h2>
<div class="run"><div>${versionTable(run)}</div><div>${timeTable(log)}</div></div>
${configuration(run)}
<footer><p>Made from run.json and iter_log.jsonl in the folder of the run. The page holds all it needs and loads nothing.</p></footer>
</main>
<script>${new Markup(script)}</script>
</body>
</html>
`.text
}

function introduction(run: RunFile, { steps, asked, samples }: RunLog): Content {
  if (steps.length === 0)
    return 'No iteration has been recorded yet. Once the run has begun, make the report again to see how it goes.'
  const total = totalSteps(run)
  const state =
    total !== null && steps.length < total
      ? ` This is its state after iteration ${formatCount(steps[steps.length - 1])} of ${formatCount(total)}.`
      : ''
  return `A vision-language model asked itself ${plural(asked, 'question')} about pictures${samples > 0 ? ` and answered each of them ${samples === 1 ? 'once' : `${formatCount(samples)} times`}` : ''}. It is rewarded for answers that agree with each other, and is never told which are right: answers become consistent, and the table and the curves show what else changes.${state}`
}

function reading({ steps }: RunLog): string {
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

function alarmList({ alarms }: RunLog): Content {
  if (alarms.size === 0) return null
  return markup`<ul class="alarms">${[...alarms].map(([alarm, raised]) => {
    const { title, note } = alarmTexts[alarm]
    const when =
      raised.length === 1
        ? `at iteration ${formatCount(raised[0])}`
        : `at ${formatCount(raised.length)} iterations, first ${formatCount(raised[0])}, last ${formatCount(raised[raised.length - 1])}`
    return markup`<li><strong>${title}</strong>, ${when}.<p class="lead">${note}</p></li>`
  })}</ul>`
}
