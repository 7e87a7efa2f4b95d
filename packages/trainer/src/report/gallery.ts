/** Pictures with what was asked about them and how the answers fell, at several times of a run. */
import type { QuestionFault } from '@evolmm/rewards'
import { malformedFaults } from '../options'
import type { ImageRecord } from '../record'
import { formatCount, formatNumber, plural } from './format'
import { markup, type Content, type Markup } from './markup'
import { shorten } from './shorten'
import { voteBars } from './vote-bars'

/** An image at one iteration. */
export interface Moment {
  step: number
  image: ImageRecord
}

export interface Moments {
  /** The same image at several times. */
  recurring: Moment[][]
  /** Moments from the first iteration to the last. */
  spread: Moment[]
  /** Questions that were not asked. */
  rejected: Moment[]
}

/** `thumbnails`: data URIs by the path of the image; those that cannot be read are missing. */
export function gallery(moments: Moments, thumbnails: ReadonlyMap<string, string>): Content {
  const { recurring, spread, rejected } = moments
  const picture = ({ image }: Moment) => thumbnail(image, thumbnails)
  return [
    recurring.length === 0
      ? null
      : markup`<h3>The same picture, again</h3>
<p class="lead">What is asked and answered when a picture comes back later in the run.</p>
${recurring.map((times) => markup`<div class="again">${picture(times[0])}<div class="times">${times.map((moment) => markup`<article class="moment">${words(moment)}</article>`)}</div></div>`)}`,
    spread.length === 0
      ? null
      : markup`<h3>From the first iteration to the last</h3>
<p class="lead">Taken at even distances, not picked by hand.</p>
<div class="moments">${spread.map((moment) => markup`<article class="moment">${picture(moment)}${words(moment)}</article>`)}</div>`,
    rejected.length === 0
      ? null
      : markup`<h3>Questions that were not asked</h3>
<p class="lead">They were put aside before the solver saw them; no votes were taken.</p>
<div class="moments">${rejected.map((moment) => markup`<article class="moment">${picture(moment)}${words(moment)}</article>`)}</div>`,
  ]
}

function thumbnail(image: ImageRecord, thumbnails: ReadonlyMap<string, string>): Markup {
  const name = shorten(image.relativePath, 120)
  const source = thumbnails.get(image.path)
  return markup`<figure class="picture">${
    source === undefined
      ? markup`<div class="missing">picture not found</div>`
      : markup`<img src="${source}" alt="${name}">`
  }<figcaption dir="auto">${name}</figcaption></figure>`
}

function words({ step, image }: Moment): Markup {
  return markup`<div class="words"><p class="when">Iteration ${formatCount(step)}</p>
${question(image)}
${image.answers.length > 0 ? voteBars(image) : null}
${details(image)}</div>`
}

const faultTexts: Readonly<Record<QuestionFault, string>> = {
  empty: 'it holds no words',
  'missing-question-tag': 'there is no question tag',
  'missing-rationale': 'there is no rationale',
  'repeated-tag': 'a tag is repeated',
  'text-outside-tags': 'text stands outside the tags',
  markup: 'it holds other markup',
  'too-long': 'it is too long',
}

function question({ question, rejected, faults, questionLogProbability }: ImageRecord): Content {
  const text =
    question === null
      ? markup`<p class="question none">no question</p>`
      : markup`<p class="question" dir="auto">${shorten(question, 400)}</p>`
  if (rejected === null) return text
  // Others are no reason unless a run makes them one.
  const usual = faults.filter((fault) => malformedFaults.includes(fault))
  const found = (usual.length > 0 ? usual : faults).map((fault) => faultTexts[fault]).join(', ')
  const likely =
    questionLogProbability === null ? '' : ` (${formatNumber(questionLogProbability)} nats per token)`
  const reason =
    rejected === 'malformed'
      ? `malformed${found === '' ? '' : `: ${found}`}`
      : `the proposer of the start would hardly have asked it${likely}`
  return [text, markup`<p class="reason">Not asked: ${reason}.</p>`]
}

function details({ proposerText, proposerTokens, answers }: ImageRecord): Markup {
  return markup`<details><summary>As it was written</summary>
<p class="by proposer">Proposer, ${plural(proposerTokens, 'token')}</p><pre dir="auto">${shorten(proposerText, 1500)}</pre>
${answers.map(
  ({ text, tokens, reward, finishReason }, i) =>
    markup`<p class="by solver">Answer ${i + 1}, ${plural(tokens, 'token')}${finishReason === 'length' ? ', cut off' : ''}${reward === null ? '' : `, reward ${formatNumber(reward)}`}</p><pre dir="auto">${shorten(text, 1500)}</pre>`,
)}</details>`
}
