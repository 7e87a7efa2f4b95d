/**
 * The answer that MathVision's scorer reads out of a response, in lmms-eval's order of rules. It decides for "C", for
 * "(C)\n18", for "the answer is 24.", for the last box, and for `\text{C}`; it does not read "**8**", "Final answer:
 * 8", "C. 18", "36 cm^2" or "2{,}500".
 *
 * Mistakes are kept in every mode, such as "bfb" for `\textbf{(B)}`, but for three: in `compat` "60°" and "24%" keep
 * their marks, which makes them no numbers, and `\sqrt[3]{8}` loses its degree. The other modes read these as they are
 * meant.
 */
import { afterLast, beforeFirst, parseFloatText, strip } from '@evolmm/internal'
import type { ScoringMode } from '../task'

const cues = ['the final answer is', 'the answer is', 'the correct answer is', 'the answer should be']

export function mathVisionAnswer(response: string, mode: ScoringMode): string {
  const answer = bareLetters(findAnswer(lastStatement(lastNumber(loneLetter(response))), mode))
  return strip(answer.replace(/(?<!\.)\.+$/, '').replace(/^:+/, ''))
}

/** The text without the marks of degrees, percents and dollars, which say nothing about the number. */
export function withoutMarks(text: string): string {
  return without(text, ['^{\\circ}', '^\\circ', '°', '\\%', '%', '\\$', '$'])
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
  if (box >= 0) return box === response.indexOf('oxed{') ? response : `\\b${response.slice(box)}`
  let text = response
  for (const cue of cues.flatMap((lower) => [lower, lower.replace('the', 'The')])) {
    const cut = text.includes(cue)
    text = strip(afterLast(text, cue))
    if (cut) text = beforeFirst(beforeFirst(text, '\n'), '. ')
  }
  return text
}

function findAnswer(statement: string, mode: ScoringMode): string {
  let text = statement.toLowerCase().replaceAll('{}', '')
  const box = text.indexOf('oxed{')
  const end = text.lastIndexOf('}')
  if (box >= 0 && end >= box + 'oxed{'.length) text = text.slice(box + 'oxed{'.length, end)
  const [open, close] = [text.indexOf('{'), text.indexOf('}')]
  if (close >= 0 && (open < 0 || close < open)) text = text.slice(0, close)
  text = without(afterLast(afterLast(text, '='), '\\approx'), [' ', '\\,'])
  text = text.replaceAll('∞', '\\infty').replaceAll('+\\infty', '\\infty').replaceAll('\\\\', '\\')
  text = without(text, ['\n', '\\text', '\\mbox']).replaceAll('bmatrix', 'pmatrix')
  text = without(text, ['\\left', '\\right', '^{\\circ}', '^\\circ', '{m}^3', 'm^3'])
  text = without(text, ['{units}', 'units', '{km}', 'km'])
  return tidyLatex(mode === 'compat' ? text : withoutMarks(text), mode)
}

/** One spelling for what LaTeX spells in several ways. */
function tidyLatex(text: string, mode: ScoringMode): string {
  let tidy = without(text, ['\\!']).replaceAll('\\\\', '\\')
  tidy = tidy.replaceAll('tfrac', 'frac').replaceAll('dfrac', 'frac')
  tidy = without(tidy, ['\\left', '\\right', '^{\\circ}', '^\\circ', '\\$', '$', '\\%'])
  tidy = tidy.replaceAll('{.', '{0.')
  if (tidy.startsWith('.')) tidy = `0${tidy}`
  // As in the original, the braces of a fraction are only completed where there is a root.
  if (tidy.includes('sqrt')) tidy = braceFractions(braceRoots(tidy, mode))
  if (tidy === '0.5') return '\\frac{1}{2}'
  const fraction = /^(0|-?[1-9]\d*)\/(0|-?[1-9]\d*)$/.exec(tidy)
  return fraction === null ? tidy : `\\frac{${fraction[1]}}{${fraction[2]}}`
}

/** Roots get the braces that they lack: `\sqrt2` becomes `\sqrt{2}`. */
function braceRoots(text: string, mode: ScoringMode): string {
  const [before, ...roots] = text.split('\\sqrt')
  const braced = roots.map((rest) => {
    const [first] = rest
    if (rest === '' || first === '{' || (first === '[' && mode !== 'compat')) return `\\sqrt${rest}`
    const argument = String.fromCodePoint(rest.codePointAt(0) ?? 0)
    return `\\sqrt{${argument}}${rest.slice(argument.length)}`
  })
  return [before, ...braced].join('')
}

/** Fractions get the braces that they lack: `\frac12` becomes `\frac{1}{2}`; nothing is changed where a fraction has less than two characters. */
function braceFractions(text: string): string {
  const [before, ...fractions] = text.split('\\frac')
  let braced = before
  for (const rest of fractions) {
    const characters = Array.from(rest)
    const [top, bottom, ...more] = characters
    if (rest.startsWith('{')) braced += `\\frac${rest}`
    else if (characters.length < 2) return text
    else braced += `\\frac{${top}}${bottom === '{' ? bottom : `{${bottom}}`}${more.join('')}`
  }
  return braced
}

function bareLetters(text: string): string {
  return text.replace(/\(([a-e])\)/g, '$1').replace(/\{([a-e])\}/g, '$1')
}

function without(text: string, pieces: readonly string[]): string {
  return pieces.reduce((left, piece) => left.replaceAll(piece, ''), text)
}
