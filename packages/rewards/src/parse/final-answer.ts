/**
 * The final answer of a text that reasons before it answers. It is, of what there is first:
 * 1. what the last `<answer>…</answer>` holds; a tag that opens and never closes was cut off, and nothing counts;
 * 2. what the last `\boxed{…}` holds;
 * 3. the rest of the last line that says "the answer is …", "final answer: …" or the like.
 *
 * Stars, dollars, quotes and stops around it are no part of it. Time is linear in the text.
 */
import { checkText } from '@evolmm/internal'
import { INVALID, type Answer } from '../answer'

const tags = /<answer>([^]*?)<\/answer>/gi
const anyTag = /<\/?answer\b/i
const around = new Set(' \t\n\r\u00a0*$"\'`:')
const stops = new Set('.!;,')
const stated = /\banswer(?: is|\s?:)/gi

export function finalAnswer(output: string): Answer {
  checkText('output', output)
  if (anyTag.test(output)) return bare(lastMatch(output, tags)?.[1] ?? '')
  const boxed = lastBoxed(output)
  if (boxed !== undefined) return bare(boxed)
  for (const line of output.split(/[\r\n]+/).reverse()) {
    const place = lastMatch(line, stated)
    if (place !== undefined) return bare(line.slice(place.index + place[0].length))
  }
  return INVALID
}

function lastMatch(text: string, pattern: RegExp): RegExpExecArray | undefined {
  return [...text.matchAll(pattern)].at(-1)
}

/** The inside of the last box whose braces close. */
function lastBoxed(text: string): string | undefined {
  const opening = '\\boxed{'
  let found: string | undefined
  for (let at = text.indexOf(opening); at >= 0;) {
    const start = at + opening.length
    const end = closingBrace(text, start)
    if (end === undefined) return found
    found = text.slice(start, end)
    at = text.indexOf(opening, end)
  }
  return found
}

/** The place of the brace that closes what was opened before `start`. */
function closingBrace(text: string, start: number): number | undefined {
  let depth = 1
  for (let i = start; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '{') depth++
    else if (text[i] === '}' && --depth === 0) return i
  }
  return undefined
}

/** Stops go at the end alone: ".5" begins with one. */
function bare(text: string): Answer {
  let [start, end] = [0, text.length]
  while (start < end && around.has(text[start])) start++
  while (end > start && (around.has(text[end - 1]) || stops.has(text[end - 1]))) end--
  return start === end ? INVALID : text.slice(start, end)
}
