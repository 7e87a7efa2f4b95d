/** The final answer of a solver's output. */
import { INVALID, type Answer } from '../answer'
import { extractTag } from './extract-tag'

export interface ParsedAnswer {
  /** The answer as the model wrote it, trimmed; `INVALID` when missing, empty or cut off. */
  answer: Answer
  /** Whether the output holds exactly one `<answer>…</answer>` with text in it: what the solver prompt asks for. */
  wellFormed: boolean
}

export interface ParseAnswerOptions {
  /**
   * An output without any `<answer>` tag: take its last non-empty line (the released rule), or call it invalid.
   * @default 'last-line'
   */
  untagged?: 'last-line' | 'invalid'
}

/**
 * The text of the first `<answer>` tag. A tag that opens and never closes was cut off by the token limit: invalid.
 */
export function parseAnswer(output: string, options: ParseAnswerOptions = {}): ParsedAnswer {
  const { untagged = 'last-line' } = options
  const tagged = extractTag(output, 'answer')
  if (tagged !== undefined) {
    const wellFormed = tagged !== '' && output.split(/<\/?answer>/).length === 3
    return { answer: tagged || INVALID, wellFormed }
  }
  if (untagged === 'invalid' || output.includes('<answer>')) return { answer: INVALID, wellFormed: false }
  const lastLine = output
    .trim()
    .split(/[\r\n]+/)
    .at(-1)
    ?.trim()
  return { answer: lastLine === undefined || lastLine === '' ? INVALID : lastLine, wellFormed: false }
}
