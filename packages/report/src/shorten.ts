/** The beginning of a long text, and how much is left out. */
export function shorten(text: string, length: number): string {
  // By code points: half a character is none.
  const points = Array.from(text.slice(0, 2 * length + 2))
  if (text.length <= length || points.length <= length) return text
  const kept = points.slice(0, length).join('')
  return `${kept}… (${(text.length - kept.length).toLocaleString('en-US')} more characters)`
}
