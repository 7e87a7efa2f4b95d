/**
 * What lmms-eval's model class does to a generated text before any scoring: cut it at the stop texts, then keep the
 * inside of `<answer>…</answer>`, or of the first `\boxed{…}`.
 *
 * In `compat` the box ends at the first closing brace, so that `\boxed{\frac{1}{2}}` becomes `\frac{1`; otherwise at
 * the brace that closes it.
 */
import { checkNames, checkText, strip } from '@evolmm/internal'
import type { ScoringMode } from '../task'

export interface CleanAnswerOptions {
  /** The answer ends before the first of each, in this order; empty texts and "\n\n" are ignored. @default none */
  until?: readonly string[] | undefined
  mode: ScoringMode
}

/** The text that is scored. Nothing is stripped from it unless a tag or a box was opened. */
export function cleanAnswer(raw: string, options: CleanAnswerOptions): string {
  checkNames('cleanAnswer', options, { until: true, mode: true })
  checkText('raw', raw)
  const { until = [], mode } = options
  let text = raw
  for (const stop of until) {
    const at = stop === '' || stop === '\n\n' ? -1 : text.indexOf(stop)
    if (at >= 0) text = text.slice(0, at)
  }
  const tagged = between(text, '<answer>', '</answer>')
  if (tagged !== undefined) return strip(tagged)
  const boxed = mode === 'compat' ? between(text, '\\boxed{', '}') : firstBox(text)
  return boxed === undefined ? text : strip(boxed)
}

function between(text: string, open: string, close: string): string | undefined {
  const start = text.indexOf(open)
  const end = start < 0 ? -1 : text.indexOf(close, start + open.length)
  return end < 0 ? undefined : text.slice(start + open.length, end)
}

/** The inside of the first box, braces balanced; `undefined` when it is never closed. */
function firstBox(text: string): string | undefined {
  const start = text.indexOf('\\boxed{')
  if (start < 0) return undefined
  const inside = start + '\\boxed{'.length
  for (let index = inside, depth = 1; index < text.length; index++) {
    if (text[index] === '\\') index++
    else if (text[index] === '{') depth++
    else if (text[index] === '}' && --depth === 0) return text.slice(inside, index)
  }
  return undefined
}
