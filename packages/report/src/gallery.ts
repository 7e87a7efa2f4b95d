/** Pictures with what was asked about them and how the answers fell, at several times of a run. */
import type { Gallery, Heading, Moment } from '@evolmm/runs'
import { formatCount } from './format'
import { gradedAnswers } from './graded-answers'
import { markup, type Content, type Markup } from './markup'
import { shorten } from './shorten'
import { voteBars } from './vote-bars'

export interface ShownMoment extends Moment {
  step: number
}

export interface Moments {
  /** Moments of the run's last pictures. */
  latest: ShownMoment[]
  /** Moments of each picture that comes again. */
  recurring: ShownMoment[][]
  /** Moments from the first iteration to the last. */
  spread: ShownMoment[]
  apart: ShownMoment[]
}

/** `thumbnails`: data URIs by the path of the image; those that cannot be read are missing. */
export function gallery(
  { latest, recurring, spread, apart }: Moments,
  headings: Pick<Gallery<never>, 'latest' | 'again' | 'spread' | 'apart'>,
  thumbnails: ReadonlyMap<string, string>,
): Content {
  const picture = (moment: ShownMoment) => thumbnail(moment, thumbnails)
  const article = (moment: ShownMoment) =>
    markup`<article class="moment">${picture(moment)}${words(moment)}</article>`
  const again = (times: readonly ShownMoment[]) =>
    markup`<div class="again">${picture(times[0])}<div class="times">${times.map((moment) => markup`<article class="moment">${words(moment)}</article>`)}</div></div>`
  const part = (words: Heading | undefined, moments: readonly ShownMoment[]) =>
    moments.length === 0 ? null : [heading(words), markup`<div class="moments">${moments.map(article)}</div>`]
  return [
    part(headings.latest, latest),
    recurring.length === 0 ? null : [heading(headings.again), recurring.map(again)],
    part(headings.spread, spread),
    part(headings.apart, apart),
  ]
}

function heading(words: Heading | undefined): Markup | null {
  if (words === undefined) return null
  return markup`<h3>${words.title}</h3>
<p class="lead">${words.lead}</p>
`
}

function thumbnail({ path, name }: Moment, thumbnails: ReadonlyMap<string, string>): Markup {
  const shown = shorten(name, 120)
  const source = path === null ? undefined : thumbnails.get(path)
  return markup`<figure class="picture">${
    source === undefined
      ? markup`<div class="missing">${path === null ? 'picture in no file of its own' : 'picture not found'}</div>`
      : markup`<img src="${source}" alt="${shown}">`
  }<figcaption dir="auto">${shown}</figcaption></figure>`
}

function words({ step, when, question, expected, apart, votes, graded, texts }: ShownMoment): Markup {
  return markup`<div class="words"><p class="when">Iteration ${formatCount(step)}${when === undefined ? null : `, ${when}`}</p>
${
  question === null
    ? markup`<p class="question none">no question</p>`
    : markup`<p class="question" dir="auto">${shorten(question, 400)}</p>`
}${expected === undefined ? null : markup`<p class="expected" dir="auto">${shorten(expected, 200)}</p>`}${apart === null ? null : markup`<p class="reason">${apart}</p>`}
${votes === undefined || votes.length === 0 ? null : voteBars(votes)}
${graded === undefined ? null : gradedAnswers(graded)}
${texts === undefined || texts.length === 0 ? null : asWritten(texts)}</div>`
}

function asWritten(texts: NonNullable<Moment['texts']>): Markup {
  return markup`<details><summary>As it was written</summary>
${texts.map(
  ({ title, tone, text }) =>
    markup`<p class="by ${tone}">${title}</p><pre dir="auto">${shorten(text, 1500)}</pre>`,
)}</details>`
}
