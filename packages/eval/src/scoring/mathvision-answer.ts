/**
 * The answer that MathVision's scorer reads out of a response, in lmms-eval's order of rules. It decides for "C", for
 * "(C)\n18", for "the answer is 24.", for the last box, and for `\text{C}`; it does not read "**8**", "Final answer:
 * 8", "C. 18", "36 cm^2" or "2{,}500".
 */
import { afterLast, beforeFirst, parseFloatText, strip } from '@evolmm/internal'

const cues = ['the final answer is', 'the answer is', 'the correct answer is', 'the answer should be']

export function mathVisionAnswer(response: string): string {
  const answer = bareLetters(findAnswer(lastStatement(lastNumber(loneLetter(response)))))
  return strip(answer.replace(/^:+/, '').replace(/(?<!\.)\.+$/, ''))
}

/** "... (C)." or "C\n..." is C. */
function loneLetter(response: string): string {
  let text = response
  for (const c of ['A', 'B', 'C', 'D', 'E'])
    if (
      [` ${c}.`, ` (${c}).`].some((end) => text.endsWith(end)) ||
      [`${c}\n`, `(${c})\n`, `(${c}) ${c}\n`].some((start) => text.startsWith(start))
    )
      text = c
  return text
}

/** The last number of a text: 24 for "... is 24." */
function lastNumber(text: string): string {
  let tail = afterLast(text, 'is ')
  while (tail.endsWith('.')) tail = tail.slice(0, -1)
  return parseFloatText(tail) === undefined ? text : tail
}

/** What the last cue introduces, or the last of several boxes. */
function lastStatement(response: string): string {
  const box = response.lastIndexOf('oxed{')
  if (box >= 0) return box === response.indexOf('oxed{') ? response : response.slice(box)
  let text = response
  for (const cue of cues.flatMap((lower) => [lower, lower.replace('the', 'The')]))
    if (text.includes(cue)) text = beforeFirst(beforeFirst(strip(afterLast(text, cue)), '\n'), '. ')
  return text
}

function findAnswer(statement: string): string {
  let text = statement.toLowerCase().replaceAll('{}', '')
  const box = text.indexOf('oxed{')
  const end = text.lastIndexOf('}')
  if (box >= 0 && end >= box + 'oxed{'.length) text = text.slice(box + 'oxed{'.length, end)
  const [open, close] = [text.indexOf('{'), text.indexOf('}')]
  if (close >= 0 && (open < 0 || close < open)) text = text.slice(0, close)
  text = afterLast(afterLast(text, '='), '\\approx')
  for (const noise of [' ', '\\,', '\\left', '\\right', '\\text', '\\mbox', '^{\\circ}', '^\\circ', '°'])
    text = text.replaceAll(noise, '')
  for (const unit of ['m^3', 'units', 'km']) text = text.replaceAll(unit, '')
  return tidyLatex(text.replaceAll('∞', '\\infty').replaceAll('bmatrix', 'pmatrix'))
}

/** One spelling for what LaTeX spells in several ways. */
function tidyLatex(text: string): string {
  let tidy = text
  for (const noise of ['\n', '\\!', '\\$', '$', '\\%', '%']) tidy = tidy.replaceAll(noise, '')
  tidy = beforeFirst(tidy, '\\text{ ').replaceAll('tfrac', 'frac').replaceAll('dfrac', 'frac')
  tidy = tidy.replaceAll('{.', '{0.')
  if (tidy.startsWith('.')) tidy = `0${tidy}`
  // As in the original, the braces of a fraction are only completed where there is a root.
  if (tidy.includes('sqrt'))
    tidy = tidy
      .replace(/\\sqrt([^{[])/gu, '\\sqrt{$1}')
      .replace(/\\frac([^{])(?:([^{])|(?=\{))/gu, completeFraction)
  if (tidy === '0.5') return '\\frac{1}{2}'
  const fraction = /^([+-]?\d+)\/([+-]?\d+)$/.exec(tidy)
  return fraction === null ? tidy : `\\frac{${fraction[1]}}{${fraction[2]}}`
}

function completeFraction(_match: string, top: string, bottom: string | undefined): string {
  return bottom === undefined ? `\\frac{${top}}` : `\\frac{${top}}{${bottom}}`
}

function bareLetters(text: string): string {
  return text.replace(/\(([a-e])\)|\{([a-e])\}/g, '$1$2')
}
