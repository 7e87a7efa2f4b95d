/** Text of any origin in one line that a terminal shows as it is. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
}
