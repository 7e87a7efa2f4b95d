/** Answers by what became of them, and along the text of each the scores of its steps: a number and a bar beneath the words. */
import { counted } from '@evolmm/internal'
import type { GradedAnswer, GradedAnswers } from '@evolmm/runs'
import { formatCount } from './format'
import { markup, type Markup } from './markup'
import { shorten } from './shorten'

/** Bounds of what is drawn of one moment, whatever a log holds. */
const most = { groups: 3, answers: 2, steps: 12, letters: 240 } as const

export function gradedAnswers(groups: readonly GradedAnswers[]): Markup[] {
  const total = groups.reduce((sum, { drawn }) => sum + drawn, 0)
  return groups.slice(0, most.groups).map(({ title, mark, tone, drawn, distinct, answers }) => {
    const shown = answers.slice(0, most.answers)
    const hidden = distinct - shown.length
    return markup`<div class="graded ${tone}"><p class="by ${tone}"><span aria-hidden="true">${mark}</span> ${title}: ${formatCount(drawn)} of ${formatCount(total)}</p>
${shown.map(written)}${hidden > 0 ? markup`<p class="when">${counted(hidden, shown.length === 0 ? 'answer' : 'further answer')} not shown</p>` : null}</div>
`
  })
}

function written({ title, steps, leftOut = 0 }: GradedAnswer): Markup {
  const shown = steps.slice(0, most.steps)
  const gap = leftOut > 0 ? markup`<li class="gap">${counted(leftOut, 'step')} left out</li>` : null
  return markup`<p class="when">${shorten(title, most.letters)}</p><ol class="steps">${shown.slice(0, -1).map(step)}${gap}${shown.slice(-1).map(step)}</ol>`
}

/** A score beyond 0 and 1, which no value head is kept from, fills the bar or leaves it empty; the number says what it is. */
function step({ text, score }: GradedAnswer['steps'][number]): Markup {
  const words = markup`<span class="step" dir="auto">${shorten(text, most.letters)}</span>`
  if (score === null) return markup`<li>${words}</li>`
  const width = 240 * Math.min(1, Math.max(0, score))
  return markup`<li>${words}<span class="count">${score.toFixed(2).replace('-', '\u2212')}</span><svg class="bar" viewBox="0 0 240 6" preserveAspectRatio="none" aria-hidden="true"><rect class="off" width="240" height="6"/><rect class="on" width="${width.toFixed(1)}" height="6"/></svg></li>`
}
