import { expect } from 'vitest'

/** A page without its key figures, its table of times and the time at which the run began. */
export function withoutTimes(page: string): string {
  const times = [
    /<dl class="figures">.*?<\/dl>/s,
    /<table class="time">.*?<\/table>/s,
    />started<\/th><td[^>]*>[^<]*</,
  ]
  for (const time of times) expect(page).toMatch(time)
  return times.reduce((text, time) => text.replace(time, ''), page)
}
