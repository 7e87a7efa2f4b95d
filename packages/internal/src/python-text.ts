/**
 * Python's idea of white space, which decides what lmms-eval strips and splits: unlike JavaScript's it has the ASCII
 * separators and NEL, and no byte-order mark.
 */

const spaces = new Set([
  ...range(0x09, 0x0d),
  ...range(0x1c, 0x20),
  ...[0x85, 0xa0, 0x1680],
  ...range(0x2000, 0x200a),
  ...[0x2028, 0x2029, 0x202f, 0x205f, 0x3000],
])

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

export function isSpace(text: string, index: number): boolean {
  return spaces.has(text.charCodeAt(index))
}

/** `text.strip()` */
export function strip(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text, start)) start++
  while (end > start && isSpace(text, end - 1)) end--
  return text.slice(start, end)
}

/** `text.strip(characters)` */
export function stripCharacters(text: string, characters: string): string {
  let start = 0
  let end = text.length
  while (start < end && characters.includes(text[start])) start++
  while (end > start && characters.includes(text[end - 1])) end--
  return text.slice(start, end)
}

/** `text.split()`: the words between runs of white space. */
export function words(text: string): string[] {
  const found: string[] = []
  for (let start = 0; start < text.length;) {
    if (isSpace(text, start)) {
      start++
      continue
    }
    let end = start + 1
    while (end < text.length && !isSpace(text, end)) end++
    found.push(text.slice(start, end))
    start = end
  }
  return found
}

/** What follows the last `separator`; the whole text where there is none. */
export function afterLast(text: string, separator: string): string {
  const at = text.lastIndexOf(separator)
  return at < 0 ? text : text.slice(at + separator.length)
}

/** What precedes the first `separator`; the whole text where there is none. */
export function beforeFirst(text: string, separator: string): string {
  const at = text.indexOf(separator)
  return at < 0 ? text : text.slice(0, at)
}
