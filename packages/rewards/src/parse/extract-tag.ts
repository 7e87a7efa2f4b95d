/** Text between two tags, as the released EvoLMM code reads it. */
import { checkText } from '@evolmm/internal'

/**
 * Trimmed text from the first `<tag>` to the next `</tag>`, or `undefined` unless both are there in this order.
 * Case-sensitive; no nesting, no attributes.
 */
export function extractTag(text: string, tag: string): string | undefined {
  checkText('text', text)
  checkText('tag', tag)
  const open = `<${tag}>`
  const start = text.indexOf(open)
  if (start < 0) return undefined
  const end = text.indexOf(`</${tag}>`, start + open.length)
  return end < 0 ? undefined : text.slice(start + open.length, end).trim()
}
