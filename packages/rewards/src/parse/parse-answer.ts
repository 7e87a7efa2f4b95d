/** The final answer of a solver's output. */
import { checkNames, checkOneOf, checkText } from '@evolmm/internal'
import { INVALID, type Answer } from '../answer'
import { extractTag } from './extract-tag'

const anyTag = /<\/?answer\b/i

export interface ParsedAnswer {
  /** The answer as the model wrote it, trimmed; `INVALID` when missing, empty or cut off. */
  answer: Answer
  /** True if the output holds exactly one `<answer>…</answer>` with text in it: what the solver prompt asks for. */
  wellFormed: boolean
}

/** What may become of an output without an answer tag, the default first. */
export const untaggedAnswers = ['invalid', 'last-line'] as const

export interface ParseAnswerOptions {
  /**
   * An output without any `<answer>` tag: call it invalid, or take its last non-empty line (the released rule).
   * @default the first of {@link untaggedAnswers}
   */
  untagged?: (typeof untaggedAnswers)[number] | undefined
}

/**
 * The text of the first `<answer>` tag. Tags that do not make a pair are invalid: one that opens and never closes was
 * cut off by the token limit.
 */
export function parseAnswer(output: string, options: ParseAnswerOptions = {}): ParsedAnswer {
  checkNames('parseAnswer', options, { untagged: true })
  checkText('output', output)
  const untagged = checkOneOf('untagged', options.untagged ?? untaggedAnswers[0], untaggedAnswers)
  const tagged = extractTag(output, 'answer')
  if (tagged !== undefined && tagged !== '' && !anyTag.test(tagged))
    return { answer: tagged, wellFormed: output.split(/<\/?answer>/).length === 3 }
  if (untagged === 'invalid' || anyTag.test(output)) return { answer: INVALID, wellFormed: false }
  const lastLine = output
    .trim()
    .split(/[\r\n]+/)
    .at(-1)
    ?.trim()
  return { answer: lastLine === undefined || lastLine === '' ? INVALID : lastLine, wellFormed: false }
}
