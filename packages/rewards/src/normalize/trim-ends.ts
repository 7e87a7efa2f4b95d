/** Linear-time stripping; a regular expression ending in `+$` is quadratic on long runs. */

/** `text` without the characters at either end that are in `characters` (BMP only). */
export function trimEnds(text: string, characters: ReadonlySet<string>): string {
  let start = 0
  let end = text.length
  while (start < end && characters.has(text[start])) start++
  while (end > start && characters.has(text[end - 1])) end--
  return text.slice(start, end)
}
