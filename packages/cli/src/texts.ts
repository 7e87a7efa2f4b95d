/** Texts for people: on one line, without what a terminal would obey, times in units that fit. */

/** Text of any origin in one line that a terminal shows as it is. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
}

/**
 * A message without the call in which the system failed: "ENOENT: no such file or directory, open 'a.json'" becomes "no
 * such file or directory (ENOENT)". The path is in the message already, and the call helps nobody.
 */
export function plainReasons(message: string): string {
  return message.replace(reason, '$2 ($1)')
}

const reason = /\b(E[A-Z0-9]{2,}): ([a-z][a-z ,/-]*?), [a-z]+\d?(?: '[^']*'(?: -> '[^']*')?)?(?=[;,)]|$)/g

/** A time in its two largest units: 45 s, 3 min 20 s, 2 h 5 min. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  const minutes = Math.ceil(whole / 60)
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
