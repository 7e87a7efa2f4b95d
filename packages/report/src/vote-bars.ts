/** Votes of a group: one bar for each distinct answer, the majority marked, invalid answers shown as such. */
import type { Moment } from '@evolmm/runs'
import { markup, type Markup } from './markup'
import { shorten } from './shorten'

export function voteBars(votes: NonNullable<Moment['votes']>): Markup {
  const total = votes.reduce((sum, { count }) => sum + count, 0)
  // Equals keep their order, since sorting is stable.
  const rows = [...votes].sort((a, b) => b.count - a.count)
  return markup`<ul class="votes">${rows.map(({ answer, count, isMajority }) => {
    const kind = answer === null ? 'invalid' : isMajority ? 'majority' : 'other'
    return markup`<li class="${kind}"><span class="answer" dir="auto">${answer === null ? 'no valid answer' : shorten(answer, 60)}</span>${kind === 'majority' ? markup` <span class="mark">majority</span>` : null}<span class="count">${count} of ${total}</span>${bar(count, total)}</li>`
  })}</ul>`
}

/** A cell for each vote while they can be counted by eye. */
function bar(count: number, total: number): Markup {
  const gap = total <= 16 ? 3 : 0
  const cell = (240 + gap) / total
  const cells =
    gap > 0
      ? Array.from({ length: total }, (_, i) => [i * cell, cell, i < count ? 'on' : 'off'] as const)
      : [[0, 240, 'off'] as const, [0, count * cell, 'on'] as const]
  return markup`<svg class="bar" viewBox="0 0 240 6" preserveAspectRatio="none" aria-hidden="true">${cells.map(([x, width, state]) => markup`<rect class="${state}" x="${x.toFixed(1)}" y="0" width="${(width - gap).toFixed(1)}" height="6"/>`)}</svg>`
}
