/** Pictures with what was asked about them and how the answers fell, at several times of a run. */
import type { Gallery, Heading, Moment } from '@evolmm/runs'
import { formatCount } from './format'
import { markup, type Content, type Markup } from './markup'
import { shorten } from './shorten'
import { voteBars } from './vote-bars'

export interface ShownMoment extends Moment {
  step: number
}

export interface Moments {
  /** Moments of each picture that comes again. */
  recurring: ShownMoment[][]
  /** Moments from the first iteration to the last. */
  spread: ShownMoment[]
  apart: ShownMoment[]
}

/** `thumbnails`: data URIs by the path of the image; those that cannot be read are missing. */
export function gallery(
  { recurring, spread, apart }: Moments,
  headings: Pick<Gallery<never>, 'again' | 'spread' | 'apart'>,
  thumbnails: ReadonlyMap<string, string>,
): Content {
  const picture = (moment: ShownMoment) => thumbnail(moment, thumbnails)
  const article = (moment: ShownMoment) =>
    markup`<article class="moment">${picture(moment)}${words(moment)}</article>`
  const again = (times: readonly ShownMoment[]) =>
    markup`<div class="again">${picture(times[0])}<div class="times">${times.map((moment) => markup`<article class="moment">${words(moment)}</article>`)}</div></div>`
  return [
    recurring.length === 0 ? null : [heading(headings.again), recurring.map(again)],
    ...(
      [
        [headings.spread, spread],
        [headings.apart, apart],
      ] as const
    ).map(([words, moments]) =>
      moments.length === 0
        ? null
        : [heading(words), markup`<div class="moments">${moments.map(article)}</div>`],
    ),
  ]
}

function heading({ title, lead }: Heading): Markup {
  return markup`<h3>${title}</h3>
<p class="lead">${lead}</p>
`
}

function thumbnail({ path, name }: Moment, thumbnails: ReadonlyMap<string, string>): Markup {
  const shown = shorten(name, 120)
  const source = thumbnails.get(path)
  return markup`<figure class="picture">${
    source === undefined
      ? markup`<div class="missing">picture not found</div>`
      : markup`<img src="${source}" alt="${shown}">`
  }<figcaption dir="auto">${shown}</figcaption></figure>`
}

function words({ step, question, apart, votes, texts }: ShownMoment): Markup {
  return markup`<div class="words"><p class="when">Iteration ${formatCount(step)}</p>
${
  question === null
    ? markup`<p class="question none">no question</p>`
    : markup`<p class="question" dir="auto">${shorten(question, 400)}</p>`
}${apart === null ? null : markup`<p class="reason">${apart}</p>`}
${votes.length > 0 ? voteBars(votes) : null}
${texts.length > 0 ? asWritten(texts) : null}</div>`
}

function asWritten(texts: Moment['texts']): Markup {
  return markup`<details><summary>As it was written</summary>
${texts.map(
  ({ title, tone, text }) =>
    markup`<p class="by ${tone}">${title}</p><pre dir="auto">${shorten(text, 1500)}</pre>`,
)}</details>`
}
